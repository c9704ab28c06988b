"""What a statement is, according to ClickHouse's own parser.

`parseQueryToJSON` takes the statement as a string argument, so nothing in it is run, and refuses more than
one statement. What it gives is the whole parse tree, also what EXPLAIN AST leaves out (`* APPLY f`).
"""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from embedded.warehouse.engine import Engine, quote
from embedded.warehouse.errors import Refused
from embedded.warehouse.limits import Limits
from embedded.warehouse.sqltext import without_head

Node = dict[str, Any]

# Statements whose tree has no JSON form, and the words before what they look at.
_LOOKS_AT = {
    "DescribeQuery": frozenset({b"DESCRIBE", b"DESC", b"TABLE"}),
    "ExistsTableQuery": frozenset({b"EXISTS", b"TEMPORARY", b"TABLE"}),
    "ExistsViewQuery": frozenset({b"EXISTS", b"VIEW"}),
    "ExistsDatabaseQuery": frozenset({b"EXISTS", b"DATABASE"}),
    "ShowCreateTableQuery": frozenset({b"SHOW", b"CREATE", b"TABLE", b"TEMPORARY"}),
    "ShowCreateViewQuery": frozenset({b"SHOW", b"CREATE", b"VIEW"}),
    "ShowCreateDatabaseQuery": frozenset({b"SHOW", b"CREATE", b"DATABASE"}),
}
BAD_ARGUMENTS = 36
_UNPRINTABLE = re.compile(r"AST node of type '(\w+?)(?:_[^']*)?' does not support JSON")
_SELECTS = {"SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery"}
_WITHOUT_ANSWER = re.compile(
    r"(Create|Drop|Alter|Rename|Set|Use|Insert|Delete|Update|System|Optimize|Grant|Undrop|Transaction"
    r"|Attach|Detach)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its kind (the parser's own name for it) and its tree.

    `tree` is None when the parser cannot write this kind down; `looks_at` is then a SELECT over what it
    looks at, if it looks at anything.
    """

    sql: bytes
    kind: str
    tree: Node | None = None
    looks_at: Node | None = None
    nodes: tuple[Node, ...] = field(default=(), repr=False)

    @property
    def is_select(self) -> bool:
        return self.kind in _SELECTS

    @property
    def format(self) -> str | None:
        """The FORMAT clause."""
        for tree in (self.tree, self.looks_at):
            if tree and isinstance(tree.get("format_ast"), dict):
                return str(tree["format_ast"].get("name"))
        return None

    @property
    def answers(self) -> bool:
        """Whether it has a result, be it empty."""
        return not _WITHOUT_ANSWER.match(self.kind)

    @property
    def has_totals(self) -> bool:
        return any(node.get("group_by_with_totals") for node in self.nodes)

    def changed_settings(self) -> list[tuple[str, str]]:
        """Every setting that a SETTINGS clause changes, anywhere in the statement, as often as it does."""
        return [
            (str(change["name"]), _plain(change.get("value")))
            for node in self._set_nodes()
            for change in node.get("changes", [])
        ]

    def reset_settings(self) -> list[str]:
        """Every setting a SETTINGS clause puts back to the engine's default, anywhere in the statement."""
        return [str(name) for node in self._set_nodes() for name in node.get("default_settings", [])]

    def sets_parameters(self) -> bool:
        """Whether a SETTINGS clause says what a name in the statement is, past the request."""
        return any(
            node.get("query_parameters") and not node.get("is_standalone") for node in self._set_nodes()
        )

    def _set_nodes(self) -> list[Node]:
        return [node for node in self.nodes if node.get("type") == "SetQuery"]


class Parser:
    """Parses statements, and remembers the short ones. Safe to share between threads."""

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self._engine = engine
        self._limits = limits
        self._remembered: OrderedDict[bytes, Statement] = OrderedDict()
        self._nodes = 0
        self._lock = threading.Lock()
        # Nobody has a place yet who is judged: their trees are made one at a time.
        self._asking = threading.Lock()

    def parse(self, sql: bytes) -> Statement:
        """Raises Refused with the parser's own complaint."""
        with self._lock:
            known = self._remembered.get(sql)
            if known is not None:
                self._remembered.move_to_end(sql)
                return known
        with self._asking:
            statement = self._ask(sql)
        if len(sql) <= self._limits.statement_cached_bytes_max:
            self._remember(sql, statement)
        return statement

    def _remember(self, sql: bytes, statement: Statement) -> None:
        limits = self._limits
        with self._lock:
            if sql in self._remembered:
                return
            self._remembered[sql] = statement
            self._nodes += len(statement.nodes)
            while (
                len(self._remembered) > limits.statements_cached_max
                or self._nodes > limits.statements_cached_nodes_max
            ):
                self._nodes -= len(self._remembered.popitem(last=False)[1].nodes)

    def _ask(self, sql: bytes) -> Statement:
        try:
            tree = self._tree(sql)
        except Refused as error:
            # From its first word on: further on, a message quotes the statement.
            found = _UNPRINTABLE.match(error.message) if error.code == BAD_ARGUMENTS else None
            if found is None:
                raise
            return self._without_tree(sql, found[1])
        return Statement(sql, str(tree["type"]), tree=tree, nodes=tuple(walk(tree)))

    def _without_tree(self, sql: bytes, kind: str) -> Statement:
        head = _LOOKS_AT.get(kind)
        if head is None:
            return Statement(sql, kind)
        looks_at = self._tree(b"SELECT * FROM " + without_head(sql, head))
        return Statement(sql, kind, looks_at=looks_at, nodes=tuple(walk(looks_at)))

    def _tree(self, sql: bytes) -> Node:
        text = f"SELECT parseQueryToJSON({quote(sql)})".encode("utf-8", "surrogateescape")
        try:
            tree = json.loads(self._engine.ask(text))
        except RecursionError:
            raise Refused(306, "TOO_DEEP_RECURSION", "The statement is nested too deeply.") from None
        if not isinstance(tree, dict):
            raise Refused(62, "SYNTAX_ERROR", "Empty query.")
        return tree


def walk(tree: Any) -> Iterator[Node]:
    """Every node of a tree, parents first."""
    pending = [tree]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            if "type" in each:
                yield each
            pending.extend(value for value in each.values() if isinstance(value, dict | list))
        elif isinstance(each, list):
            pending.extend(each)


def _plain(value: Any) -> str:
    return str(value.get("value")) if isinstance(value, dict) else str(value)
