"""Who may insert may insert: what comes along reads no file, asks no other table and lifts no limit."""

import time

import pytest
from warehouse.roles.attempts import FILE_OF_LOCAL, LIFTED_BEFORE_26_9
from warehouse.roles.target import Target

from embedded.warehouse import filters

pytestmark = pytest.mark.stack

# Syntax, no such kind of statement here, a function or table that nobody granted, a setting that is fixed.
REFUSALS = {26, 27, 36, 46, 48, 60, 62, 73, 117, 164, 344, 452, 456, 457, 497}
ROW = "event_id, occurred_at, user_id, event_type, received_at"

# A comment that takes the FORMAT in, so that the data is SQL again.
HIDDEN = (
    "INSERT INTO {table} //'\nSELECT 'x' //' FORMAT JSONEachRow\nUNION ALL SELECT file('{canary}')",
    "INSERT INTO {table} //'\nSELECT '' //' FORMAT JSONEachRow\nUNION ALL SELECT query FROM system.processes",
    "INSERT INTO {table} //' FORMAT JSONEachRow\nSELECT file('{canary}')",
    "INSERT INTO {table} --' FORMAT JSONEachRow\nSELECT file('{canary}')",
    "INSERT INTO {table} #!' FORMAT JSONEachRow\nSELECT file('{canary}')",
    "INSERT INTO {table} /* FORMAT JSONEachRow\n*/ SELECT file('{canary}')",
    "INSERT INTO {table} \u2018 FORMAT JSONEachRow\n\u2019 SELECT file('{canary}')",
    "INSERT INTO {table} $x$ FORMAT JSONEachRow\n$x$ SELECT file('{canary}')",
    "// FORMAT JSONEachRow\nINSERT INTO {table} SELECT file('{canary}')",
)
# What comes after the data is none, and nothing else either.
TAILS = (
    "INSERT INTO {table} //' FORMAT JSONEachRow\nVALUES ('x'); SELECT 'x' INTO OUTFILE '{out}'",
    "INSERT INTO {table} FORMAT JSONEachRow\n\nSELECT 'x' INTO OUTFILE '{out}'",
    "INSERT INTO {table} FORMAT JSONEachRow\n{{}}\n\nSELECT 'x' INTO OUTFILE '{out}'",
    "INSERT INTO {table} VALUES ('x'); SELECT 'x' INTO OUTFILE '{out}'",
)
SETTINGS = (
    "INSERT INTO {table} SETTINGS input_format_values_interpret_expressions=DEFAULT VALUES (upper('x'))",
    "INSERT INTO {table} SETTINGS input_format_values_interpret_expressions = 1 VALUES (file('{canary}'))",
    "INSERT INTO {table} SETTINGS max_memory_usage = DEFAULT VALUES ('x')",
    "INSERT INTO {table} SETTINGS max_memory_usage = 0 VALUES ('x')",
    "INSERT INTO {table} SETTINGS param_x = 'y' VALUES ('x')",
    "SELECT 1 SETTINGS max_memory_usage = 0",
    # The engine takes the first of a name.
    "SELECT getSetting('x') SETTINGS max_memory_usage = 99999999999, max_memory_usage = 1073741824",
    "SELECT * FROM (SELECT 1 SETTINGS max_memory_usage = 5) SETTINGS max_memory_usage = 0",
    "SELECT 1 SETTINGS max_memory_usage = 9 UNION ALL SELECT getSetting('x') SETTINGS max_memory_usage = 0",
    "SET max_memory_usage = 0, max_memory_usage = 1073741824",
    "SELECT query FROM processes SETTINGS database = 'system'",
    "SELECT 1 SETTINGS dialect = 'kusto'",
    "SELECT 1 SETTINGS filter = 'file(''{canary}'') != 1'",
    "SELECT 1 FORMAT Protobuf SETTINGS output_format_schema = '{out}'",
    "SELECT 1 FORMAT Template SETTINGS format_template_row = '{canary}'",
    "SET max_memory_usage = DEFAULT",
    "SELECT 1 SETTINGS additional_result_filter = 'file(''{canary}'') != ''x'''",
    "SELECT 1 SETTINGS additional_table_filters = {{'one': 'file(\\'{canary}\\') != \\'x\\''}}",
)
# The setting that the ETL mends with.
FILTERS = (
    "{{'one': 'file(\\'{canary}\\') != \\'x\\''}}",
    "{{'one': '`file`(\\'{canary}\\') != \\'x\\''}}",
    "{{'one': 'arrayMap(file, [\\'{canary}\\']) != []'}}",
    "{{'one': '\\x66ile(\\'{canary}\\') != \\'x\\''}}",
    "{{'one': '1 IN (SELECT 1 FROM system.processes)'}}",
    "{{'one': '\\'x\\' IN system.processes'}}",
    "{{'one': '\\'x\\' IN (system.processes)'}}",
    "{{'one': 'file/**/(\\'{canary}\\') != \\'x\\''}}",
    "{{'one': 'nobody_has_judged_this(1)'}}",
)


@pytest.fixture
def table(target: Target) -> str:
    target.ask(
        "CREATE TABLE IF NOT EXISTS of_writer (line String) ENGINE = MergeTree ORDER BY ()", role="admin"
    )
    return "of_writer"


def nothing_came(target: Target, table: str) -> None:
    secret = target.canary.secret.strip()
    held = target.ask(f"SELECT arrayStringConcat(groupArray(line)) FROM {table}", role="admin").text
    assert secret not in held
    assert "ugc:" not in held, "the text of a statement"
    target.canary.assert_untouched()


@pytest.mark.parametrize("sql", [*HIDDEN, *TAILS, *SETTINGS])
def test_a_writer_gets_nowhere(target: Target, table: str, sql: str) -> None:
    if target.kind == "listening" and FILE_OF_LOCAL.search(sql):
        pytest.skip("clickhouse-local lets everybody read a file")
    if target.kind == "listening" and LIFTED_BEFORE_26_9.search(sql):
        pytest.skip("ClickHouse before 26.9 lets everybody put a setting back to its default")
    names = {**target.canary.names(), "table": table}
    answer = target.ask(sql.format(**names), role="writer")
    if target.embedded and sql not in TAILS:
        assert answer.code in REFUSALS, f"{answer.status} {answer.code} {answer.text[:300]}"
    assert target.canary.secret.strip() not in answer.text
    nothing_came(target, table)


@pytest.mark.parametrize("said", FILTERS)
def test_filters_are_conditions(target: Target, table: str, said: str) -> None:
    if not target.embedded:
        pytest.skip("a server asks for the right to read a file, whoever calls the function")
    asked = {"additional_table_filters": said.format(**target.canary.names())}
    answer = target.ask("SELECT count() FROM system.one", role="writer", query=asked)
    assert answer.code == 452, f"{answer.status} {answer.code} {answer.text[:300]}"
    nothing_came(target, table)


@pytest.mark.parametrize(
    "said",
    [
        "{}",
        "{'of_writer': 'line IN (\\'a\\', \\'b\\')'}",
        "{'of_writer': 'length(line) > 3 AND not(0)'}",
        "{'of_writer': 'line = \\'a--in/+_file=\\' AND 1'}",
    ],
)
def test_filters_of_rows_are_taken(target: Target, table: str, said: str) -> None:
    answer = target.ask(
        f"SELECT count() FROM {table}", role="writer", query={"additional_table_filters": said}
    )
    assert answer.status == 200, answer.text


def test_a_filter_of_any_length_is_judged_at_once() -> None:
    begun = time.monotonic()
    for long in ("a" * 200_000, "a " * 100_000, "in " * 60_000, "(" * 200_000):
        filters.why_not(long)
    assert time.monotonic() - begun < 5


def test_an_insert_with_a_comment_of_any_kind_is_one(target: Target, table: str) -> None:
    for number, comment in enumerate(("// it's", "-- it's", "/* it's */", "#! it's")):
        sql = f'INSERT INTO {table} {comment}\nFORMAT JSONEachRow\n{{"line": "row {number}"}}'
        assert target.ask(sql, role="writer").status == 200
    assert target.ask(f"SELECT countIf(line LIKE 'row %') FROM {table}", role="admin").text == "4\n"
    target.ask(f"TRUNCATE TABLE {table}", role="admin")
