"""The one place where a statement is judged: may this user run it?

Judged is the parse tree, never the text: a literal that says DROP is a literal. What is not known to be
harmless is refused: statement kinds, functions (functions.txt), table functions, databases and kinds of tree
nodes are allow-lists. The handle of a read-only user is also `readonly = 1`, so a mistake here still cannot
write.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from embedded.warehouse import functions, spelled
from embedded.warehouse.errors import Refused, access_denied, readonly
from embedded.warehouse.parsing import Node, Statement
from embedded.warehouse.profiles import HTTP_SETTINGS, Role

_READS = {
    *("SelectWithUnionQuery", "SelectIntersectExceptQuery", "SelectQuery", "ExplainQuery", "UseQuery"),
    *("ShowTablesQuery", "ShowColumnsQuery", "ShowIndexesQuery"),
    *("DescribeQuery", "ExistsTableQuery", "ExistsViewQuery", "ExistsDatabaseQuery"),
    *("ShowCreateTableQuery", "ShowCreateViewQuery", "ShowCreateDatabaseQuery", "SetQuery"),
}
_READS_OF_SERVER = {"ShowProcesslistQuery", "ShowGrantsQuery", "CheckTableQuery", "ShowEngineQuery"}
_NAMES_A_DATABASE = {"ExistsDatabaseQuery", "ShowCreateDatabaseQuery"}
_INSERTS = {"InsertQuery"}

_TABLE_FUNCTIONS = {
    *("numbers", "numbers_mt", "zeros", "zeros_mt", "generateseries", "generate_series", "values"),
    *("view", "null", "sqlstandardvalues", "primes"),
}

# What a ClickHouse server shows to everybody even when the system database needs a grant, and
# system.numbers, which SHOW and dashboards use. Not time_zones: each zone that was used stays in memory,
# with 4 MiB, and this asks for them all.
_SYSTEM_TABLES = {
    *("one", "numbers", "zeros", "contributors", "licenses", "collations", "formats"),
    *("privileges", "data_type_families", "database_engines", "table_engines", "table_functions"),
    *("aggregate_function_combinators", "completions", "functions", "databases", "tables", "columns"),
    *("settings", "current_roles", "enabled_roles", "quota_usage"),
}

_IN_FUNCTIONS = re.compile(r"(global)?(not|null|notnull|nullnot)?in(ignoreset)?", re.IGNORECASE)

# What EXPLAIN itself can be told; no settings of the engine have these names.
_EXPLAIN_OPTIONS = {
    *("actions", "compact", "description", "dump_ast", "dump_passes", "dump_tree", "graph"),
    *("header", "indexes", "json", "keep_logical_steps", "oneline", "optimize", "passes"),
    *("projections", "query_tree_passes", "run_passes", "run_query_tree_passes", "sorting"),
}
_EXPLAINS = re.compile(r"EXPLAIN( AST| SYNTAX| QUERY TREE| PLAN| PIPELINE| ESTIMATE)?")

_NODES = {
    *_READS,
    *("ArrayJoin", "Asterisk", "ColumnsApplyTransformer", "ColumnsExceptTransformer", "ColumnsListMatcher"),
    *("ColumnsRegexpMatcher", "ColumnsReplaceTransformer", "ColumnsReplaceTransformerReplacement"),
    *("ColumnsTransformerList", "DataType", "ExpressionList", "Function", "Identifier", "InsertQuery"),
    *("InterpolateElement", "Literal", "NameTypePair", "OrderByElement", "QualifiedAsterisk"),
    *("QualifiedColumnsListMatcher", "QualifiedColumnsRegexpMatcher", "QueryParameter", "SampleRatio"),
    *("SetQuery", "Subquery", "TableExpression", "TableIdentifier", "TableJoin", "TablesInSelectQuery"),
    *("TablesInSelectQueryElement", "Tuple", "WindowDefinition", "WindowListElement", "WithElement"),
    *("KillQueryQuery", "ObjectTypeArgument", "EnumDataType", "StorageOrderByElement"),
}


def check(role: Role, statement: Statement, *, database: str, parameters: Mapping[str, str]) -> None:
    """Return when `role` may run `statement` in `database`; raise Refused when it may not."""
    _refuse_server_files(statement)
    if role.everything:
        return
    _check_kind(role, statement)
    if statement.tree is None and statement.looks_at is None:
        raise access_denied(role.name, f"It may not run a {statement.kind}")
    _check_settings(role, statement)
    scope = _Scope(role, database, parameters, statement)
    for node in statement.nodes:
        if spelled.makes_a_state(node):
            raise access_denied(role.name, "It may not make a state of an aggregate")
        scope.check(node)


def check_reads_only(statement: Statement) -> None:
    """Refuse what writes: a GET may be repeated or fetched ahead by anybody on its way."""
    if statement.kind not in _READS and statement.kind not in _READS_OF_SERVER:
        raise readonly(
            "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly. "
            "You should use method POST for modifying queries."
        )


def _check_settings(role: Role, statement: Statement) -> None:
    for name, value in statement.changed_settings():
        of_explain = statement.kind == "ExplainQuery" and name in _EXPLAIN_OPTIONS
        if name not in HTTP_SETTINGS and not of_explain:
            role.check_setting(name, value)
    for name in statement.reset_settings():
        role.check_reset(name)
    if statement.sets_parameters():
        raise access_denied(role.name, "It may give parameters with the request only")


def _refuse_server_files(statement: Statement) -> None:
    """Files of the server are nobody's business over HTTP, an administrator's neither."""
    for node in statement.nodes:
        if node.get("out_file"):
            raise Refused(358, "INTO_OUTFILE_NOT_ALLOWED", "INTO OUTFILE is not allowed.")
        if node.get("infile"):
            raise Refused(78, "UNKNOWN_TYPE_OF_QUERY", "Query has infile and was send directly to server.")


def _check_kind(role: Role, statement: Statement) -> None:
    kind = statement.kind
    if kind in _READS:
        if kind == "ExplainQuery":
            _check_explain(role, statement)
        return
    if role.reads_only:
        raise readonly(f"{role.name}: Cannot execute query in readonly mode.")
    if kind in _INSERTS and "INSERT" in role.rights:
        return
    if kind == "KillQueryQuery":
        return  # of one's own queries: kill.py looks at no others
    if not role.ddl and kind in {"CreateQuery", "DropQuery", "AlterQuery", "RenameQuery"}:
        raise Refused(
            392, "QUERY_IS_PROHIBITED", "Cannot execute query. DDL queries are prohibited for the user."
        )
    raise access_denied(role.name, f"It may not run a {kind}")


def _check_explain(role: Role, statement: Statement) -> None:
    tree = statement.tree or {}
    inner = tree.get("query")
    if not _EXPLAINS.fullmatch(str(tree.get("kind"))) or not isinstance(inner, dict):
        raise access_denied(role.name, f"It may not run {tree.get('kind')}")
    if inner.get("type") not in _READS - {"ExplainQuery"}:
        raise readonly(f"{role.name}: Cannot explain that in readonly mode.")


class _Scope:
    """One statement's names: which are aliases of its own, and so no tables."""

    def __init__(
        self, role: Role, database: str, parameters: Mapping[str, str], statement: Statement
    ) -> None:
        self._role = role
        self._database = database
        self._parameters = parameters
        self._names_databases = statement.kind in _NAMES_A_DATABASE
        self._with = {str(node["name"]) for node in statement.nodes if node.get("type") == "WithElement"}
        self._lambdas = {
            str(node["alias"]) for node in statement.nodes if node.get("alias") and _is_lambda(node)
        }
        # The tree has one kind of node for both sorts of function.
        self._of_tables = {
            id(node["table_function"]) for node in statement.nodes if node.get("table_function") is not None
        }

    def check(self, node: Node) -> None:
        kind = str(node["type"])
        if kind not in _NODES:
            raise access_denied(self._role.name, f"A {kind} is not among what it may use")
        if kind == "TableIdentifier":
            self._table(self._parts(node))
        elif kind == "TableExpression" and node.get("table_function"):
            self._table_function(node["table_function"])
        elif kind in {"Function", "ColumnsApplyTransformer"}:
            if id(node) not in self._of_tables:
                self._function(node)
        elif kind == "InsertQuery":
            self._insert(node)
        elif kind in _READS:
            self._named(node)

    def _named(self, node: Node) -> None:
        """What SHOW and USE name."""
        if node["type"] in {"ShowColumnsQuery", "ShowIndexesQuery"}:
            self._table([str(part) for part in (node.get("database"), node.get("table")) if part])
        elif node["type"] in {"ShowTablesQuery", "UseQuery"}:
            named = node.get("from") or node.get("database")
            if named:
                self._named_database(named)

    def _parts(self, node: Node) -> list[str]:
        """The parts of a name, with parameters put in; one that holds a dot is judged as several."""
        given = [str(part) for part in node.get("name_parts") or [node.get("name", "")]]
        values = [
            self._value(str(each.get("name")))
            for each in _children(node)
            if each.get("type") == "QueryParameter"
        ]
        parts: list[str] = []
        for part in given:
            parts += [part] if part or not values else values.pop(0).split(".")
        return [part for part in (*parts, *values) if part]

    def _value(self, parameter: str) -> str:
        """What a request puts in for a name. One not given is left to what a session remembers."""
        value = self._parameters.get(parameter)
        if not value:
            raise Refused(456, "UNKNOWN_QUERY_PARAMETER", f"Substitution `{parameter}` is not set.")
        return value

    def _table(self, parts: list[str]) -> None:
        if self._names_databases:
            self._named_database(parts[0] if parts else self._database)
            return
        # Made by WITH or not: in its own body, and outside of its SELECT, such a name is a table's again.
        named = [self._database, *parts] if len(parts) == 1 else parts
        database, table = (*named, "", "")[:2]
        if database in self._role.databases or (database == "system" and table in _SYSTEM_TABLES):
            return
        needed = f"To execute this query, it's necessary to have the grant SELECT ON {database}.{table}"
        if len(parts) == 1 and table in self._with:
            ours = " or ".join(sorted(self._role.databases))
            needed += f"; names made by WITH are free with database={ours}"
        raise access_denied(self._role.name, needed)

    def _named_database(self, named: Any) -> None:
        name = ".".join(self._parts(named)) if isinstance(named, dict) else str(named)
        if name not in {*self._role.databases, "system", "default"}:
            raise access_denied(self._role.name, f"To execute this query, it must see the database {name}")

    def _table_function(self, node: Node) -> None:
        name = str(node.get("name"))
        if name.lower() not in _TABLE_FUNCTIONS:
            raise access_denied(self._role.name, f"The table function {name} is not among what it may use")
        if why := spelled.why_not_columns(name, _children(node.get("arguments") or {})):
            raise access_denied(self._role.name, why)

    def _function(self, node: Node) -> None:
        name = str(node.get("name") or node.get("func_name") or "")
        if name or node.get("lambda") is None:
            self._function_name(name)
        arguments = _children(node.get("arguments") or {})
        if why := spelled.why_not_type(name, arguments):
            raise access_denied(self._role.name, why)
        if (called := spelled.aggregate_named(name, arguments)) is not None:
            self._function_name(called)
        if _IN_FUNCTIONS.fullmatch(name) and len(arguments) > 1:
            self._right_of_in(arguments[1])
        # Higher-order functions take the name of a function for a lambda; or it is a column's.
        takes_functions = name.lower().startswith(("array", "map"))
        for place, argument in enumerate(arguments):
            if argument.get("type") != "Identifier":
                continue
            if (takes_functions and place == 0) or _is_put_in(argument):
                self._refuse_by_name(".".join(self._parts(argument)))

    def _function_name(self, name: str) -> None:
        if functions.load().allows(name):
            return
        self._refuse_by_name(name)
        if name in self._lambdas:
            return
        nearest = functions.load().nearest(name)
        meant = f"; did you mean {nearest}?" if nearest else "."
        raise Refused(
            46, "UNKNOWN_FUNCTION", f"{self._role.name} may call no function with the name {name}{meant}"
        )

    def _refuse_by_name(self, name: str) -> None:
        reason = functions.load().why_refused(name)
        if reason is not None:
            raise access_denied(self._role.name, f"The function {name} {reason}")

    def _right_of_in(self, argument: Node) -> None:
        """`x IN name` takes a table, an alias or a column; only the first can be out of bounds. A name of two
        parts is taken for a table's, whatever aliases there are: for a column there is has()."""
        if argument.get("type") != "Identifier":
            return
        parts = self._parts(argument)
        if len(parts) != 1 or self._database not in self._role.databases:
            self._table(parts)

    def _insert(self, node: Node) -> None:
        table, database = node.get("table"), node.get("database")
        if node.get("table_function") or not table:
            raise access_denied(self._role.name, "It may insert into tables only")
        parts = [part for named in (database, table) if named for part in self._parts(named)]
        target = parts[0] if len(parts) > 1 else self._database
        if target not in self._role.databases:
            raise access_denied(
                self._role.name,
                f"To execute this query, it's necessary to have the grant INSERT ON {'.'.join(parts)}",
            )


def _is_put_in(node: Node) -> bool:
    """Whether a parameter says the name, or a part of it."""
    return any(each.get("type") == "QueryParameter" for each in _children(node))


def _is_lambda(node: Node) -> bool:
    return node.get("type") == "Function" and node.get("name") == "lambda"


def _children(node: Node) -> list[Node]:
    children: Iterable[Any] = node.get("children") or []
    return [each for each in children if isinstance(each, dict)]
