"""What a read-only user sees in system.settings: the settings it may change must not look read-only.

Drivers ask there before they send a setting. The engine only knows `readonly = 1`, under which nothing can
be changed; which settings can nevertheless is this server's knowledge, so the question is rewritten.
"""

import json

from embedded.warehouse.engine import Engine, quote
from embedded.warehouse.parsing import Node, Parser, Statement, walk
from embedded.warehouse.profiles import Role

_TABLE = ["system", "settings"]


def show_changeable(statement: Statement, role: Role, engine: Engine, parser: Parser) -> bytes:
    """The statement's SQL, reading system.settings as `role` has them."""
    if not any(_reads_settings(node) for node in statement.nodes):
        return statement.sql
    names = sorted(name for name, each in role.constraints.items() if each.changeable_in_readonly)
    if not names or statement.tree is None:
        return statement.sql
    listed = ", ".join(quote(name) for name in names)
    view = parser.parse(
        f"SELECT * REPLACE (if(name IN ({listed}), 0, readonly) AS readonly) FROM system.settings".encode()  # noqa: S608 - quoted
    )
    tree = json.loads(json.dumps(statement.tree))
    for node in list(walk(tree)):
        if _reads_settings(node):
            alias = node.pop("database_and_table_name").get("alias", "settings")
            node["subquery"] = {"type": "Subquery", "alias": alias, "children": [view.tree]}
    sql = f"SELECT formatQueryFromJSON({quote(json.dumps(tree))})"
    return engine.ask(sql).strip().encode()


def _reads_settings(node: Node) -> bool:
    named = node.get("database_and_table_name")
    return (
        node.get("type") == "TableExpression"
        and isinstance(named, dict)
        and named.get("name_parts") == _TABLE
    )
