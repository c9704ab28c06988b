"""Keys with a column of their own: a segment means the same by column and by text, in old parts and new."""

import uuid
from collections.abc import Callable, Iterator, Sequence

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse.client import connect
from clickhouse.segments import condition, parse
from clickhouse.segments.columns import SHIPPED, column_of, expression, quoted
from clickhouse.views import RAW

pytestmark = pytest.mark.stack

# Values as they are sent, of one key, and what is hard to tell apart.
_SENT = r"""
"DE" "de" "\u0044E" "" "10" "10.0" "true" "null" "a\/b" "a/b" "\u2028" "e0" "10e0" "{"
10 10.0 1e1 -10 0 -0 -0.0 0.1 0.5e0 5e-324 1e300 true false null
1e15 1000000000000000 1000000000000000.0 -1e15 9007199254740991 9007199254740991.0
9007199254740992 9007199254740992.0 9007199254740993 -9007199254740993 -9007199254740992.0
9223372036854775807 9223372036854775808 9223372036854775808.0 9223372036854776000
-9223372036854775808 -9223372036854775808.0 18446744073709551615 18446744073709551616
18446744073709551616.0 1e20 100000000000000000000 -1e20 1e21 123456789012345678901234567890
4611686018427387904.0 4611686018427388000
[10] ["DE"] {"country":"DE"} {"x":10} [] {}
"""
SENT = (
    *_SENT.split(),
    *('"' + "x" * 170 + '"', '"' + "\\u0001" * 170 + '"', '"' + "y" * 2000 + '"', '"\U0001f600"'),
    "[" + ",".join(["10"] * 900) + "]",
)
_NUMBERS = """
10 10.0 1e1 -10 0 -0 0.1 0.5 5e-324 1e300 1e15 1000000000000000 9007199254740991 9007199254740992
9007199254740993 -9007199254740992 9223372036854775807 9223372036854775808 9223372036854776000
-9223372036854775808 18446744073709551615 18446744073709551616 1e20 100000000000000000000 -1e20 1e21
123456789012345678901234567890 4611686018427387950
"""
NUMBERS = tuple(_NUMBERS.split())
TEXTS = ("DE", "de", "true", "false", "null", "a/b", "\u2028", "e0", "10e0", "[10]", "{", "y", "\U0001f600")
VALUES = (*NUMBERS, *TEXTS, "x" * 170, "\x01" * 170)
EMPTY, DEEPER, TWICE = "{}", '{"x":{"KEY":"DE"}}', '{"KEY":"DE","KEY":10}'
UNREADABLE = '{"KEY":"DE","x":1e400}'
AT_ONCE = 25
# One column of each type, and one that nobody shipped.
ASKED_ALL = ("country", "dwell_ms", "utm.source-1")
NAMED = ("utm.source-1",)
KEYS = (*SHIPPED, *NAMED)
IN_COLUMNS = frozenset(column_of(key) for key in KEYS)
ESCAPED = '{"\\u0063ountry":"DE","\\u0064well_ms":"DE","film_\\u0069d":"DE","utm\\u002esource-1":"DE"}'


def texts(key: str) -> list[str]:
    """Properties with one value of the key each, and what is hard about keys."""
    hard = [each.replace("KEY", key) for each in (EMPTY, DEEPER, TWICE, UNREADABLE)]
    return [f'{{"a":1,"{key}":{sent}}}' for sent in SENT] + hard + [ESCAPED]


def segments(key: str) -> list[str]:
    """What can be asked of the key; of most keys some of it, as their columns are made alike."""
    asked = [
        *(f"properties.{key}{operator}{value}" for value in VALUES for operator in ("=", "!=")),
        *(f"properties.{key}{operator}{value}" for value in NUMBERS for operator in ("<", ">")),
        f"properties.{key} in DE,10,true,1e20",
        f"properties.{key} in a/b,0.1,9007199254740993",
        # Three numbers and more are no longer compared one by one.
        f"properties.{key} in 0,5,1e18",
    ]
    return asked if key in ASKED_ALL else asked[::9]


@pytest.fixture(scope="module")
def admin(warehouse_dsn: Callable[[str], str]) -> Client:
    return connect(warehouse_dsn("admin"))


def declared(admin: Client) -> dict[str, tuple[str, str]]:
    """The type and the expression of each column that events_raw works out from properties."""
    found = admin.query(
        "SELECT name, type, default_expression FROM system.columns WHERE database = currentDatabase() "
        f"AND table = '{RAW}' AND default_kind = 'MATERIALIZED' AND name LIKE 'property%'"
    )
    return {name: (type_, expression) for name, type_, expression in found.result_rows}


@pytest.fixture(scope="module")
def table(admin: Client) -> Iterator[str]:
    """One part from before the columns were there, one from after."""
    name = f"segments_{uuid.uuid4().hex}"
    admin.command(
        f"CREATE TABLE {name} (number UInt32, event_type String, properties String) "
        "ENGINE = MergeTree ORDER BY number SETTINGS min_bytes_for_wide_part = 0"
    )
    admin.command(f"SYSTEM STOP MERGES {name}")
    rows = [(n, "click", text) for n, text in enumerate(t for key in KEYS for t in texts(key))]
    admin.insert(name, rows, column_names=["number", "event_type", "properties"])
    named = {column_of(key): ("LowCardinality(String)", expression(key)) for key in NAMED}
    for column, (type_, made_of) in (declared(admin) | named).items():
        admin.command(f"ALTER TABLE {name} ADD COLUMN {quoted(column)} {type_} MATERIALIZED {made_of}")
    after = [(n + len(rows), *rest) for n, *rest in rows]
    admin.insert(name, after, column_names=["number", "event_type", "properties"])
    yield name
    admin.command(f"DROP TABLE {name} SYNC")


def differing(admin: Client, table: str, asked: Sequence[str]) -> dict[str, list[int]]:
    """By segment: the rows that it finds by the column and not by the text, or the reverse. One query."""
    written, parameters = [], {}
    for n, text in enumerate(asked):
        by_text, some = condition([parse(text)], columns=set())
        by_column, more = condition([parse(text)], columns=IN_COLUMNS)
        written.append(f"groupArrayIf(number, ({by_text}) != ({by_column}))".replace("{seg0_", f"{{seg{n}_"))
        parameters |= {name.replace("seg0_", f"seg{n}_"): value for name, value in (some | more).items()}
    found = admin.query(f"SELECT {', '.join(written)} FROM {table}", parameters=parameters).first_row
    return {text: numbers for text, numbers in zip(asked, found, strict=True) if numbers}


def test_each_column_is_declared(admin: Client) -> None:
    assert set(declared(admin)) == {column_of(key) for key in SHIPPED}


@pytest.mark.parametrize("key", SHIPPED)
def test_a_column_that_somebody_names_is_made_as_the_shipped_ones(admin: Client, key: str) -> None:
    def written(sql: str) -> str:
        asked = {"sql": f"SELECT {sql}"}
        return str(admin.query("SELECT formatQuerySingleLine({sql:String})", asked).first_row[0])

    assert written(expression(key)) == written(declared(admin)[column_of(key)][1])


def test_one_part_has_the_columns_and_the_other_works_them_out(admin: Client, table: str) -> None:
    stored = admin.query(
        "SELECT name, groupArray(column) FROM system.parts_columns "
        f"WHERE database = currentDatabase() AND table = '{table}' AND active GROUP BY name ORDER BY name"
    ).result_rows
    assert [set(IN_COLUMNS) <= set(columns) for _, columns in stored] == [False, True]


@pytest.mark.parametrize("key", KEYS)
def test_a_segment_means_the_same_by_column_and_by_text(admin: Client, table: str, key: str) -> None:
    asked = segments(key)
    for some in (asked[n : n + AT_ONCE] for n in range(0, len(asked), AT_ONCE)):
        assert differing(admin, table, some) == {}


def test_a_merge_writes_the_columns_of_old_parts(admin: Client, table: str) -> None:
    admin.command(f"SYSTEM START MERGES {table}")
    admin.command(f"OPTIMIZE TABLE {table} FINAL")
    (stored,) = admin.query(
        "SELECT groupArray(column) FROM system.parts_columns "
        f"WHERE database = currentDatabase() AND table = '{table}' AND active GROUP BY name"
    ).result_rows
    assert set(IN_COLUMNS) <= set(stored[0])
    asked = segments("country")[:AT_ONCE]
    assert differing(admin, table, asked) == {}
