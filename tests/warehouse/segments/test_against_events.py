"""The condition on a real warehouse, as the reader asks it, against a slow and obvious look at each event."""

import base64
import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clickhouse.client import connect
from clickhouse.segments import Operator, Segment, condition, number_of, parse
from clickhouse.segments.columns import column_of, quoted
from clickhouse.views import RAW

Event = tuple[str, str]  # its type and its properties as sent

# Stands for events_raw; what the condition reads of it is here, byte for byte as it was sent.
EVENTS = """
SELECT
    arraySort(groupArrayIf(number, {by_text})),
    arraySort(groupArrayIf(number, {by_column}))
FROM
(
    SELECT *, {columns} FROM
    (
        SELECT
            number,
            {{types:Array(String)}}[number + 1] AS event_type,
            base64Decode({{properties:Array(String)}}[number + 1]) AS properties
        FROM (SELECT arrayJoin(range(length({{types:Array(String)}}))) AS number)
    )
)
"""
# Keys that have a column of their own, as events_raw works out one.
IN_COLUMNS = ("a", "a.b", "0")


def fits(segment: Segment, event: Event) -> bool:
    """Whether the event is one of the segment, as the grammar's docstring says it."""
    event_type, properties = event
    if segment.operator is Operator.TYPE:
        return event_type == segment.values[0]
    sent = _properties(properties).get(segment.key)
    if segment.operator in (Operator.LESS, Operator.GREATER):
        bound = number_of(segment.values[0])
        if bound is None or isinstance(sent, bool) or not isinstance(sent, int | float):
            return False
        if isinstance(sent, int) and not -(2**63) <= sent < 2**64:
            return False
        return sent < bound if segment.operator is Operator.LESS else sent > bound
    equal = any(_equal(sent, value) for value in segment.values)
    return not equal if segment.operator is Operator.DIFFERENT else equal


def _properties(text: str) -> dict[str, Any]:
    pairs = json.loads(text, object_pairs_hook=list)
    readable = not any(value == math.inf for _, value in pairs)
    return dict(reversed(pairs)) if readable else {}


def _equal(sent: Any, value: str) -> bool:
    if isinstance(sent, int) and not -(2**63) <= sent < 2**64:
        return str(sent) == value
    if isinstance(sent, str):
        return sent == value
    if isinstance(sent, bool):
        return value == ("true" if sent else "false")
    if isinstance(sent, int | float):
        return number_of(value) == sent
    return False


@pytest.fixture(scope="module")
def reader(warehouse_dsn: Callable[[str], str]) -> Client:
    return connect(warehouse_dsn("reader"))


@pytest.fixture(scope="module")
def columns(warehouse_dsn: Callable[[str], str]) -> str:
    """Those of IN_COLUMNS, by the expressions that stand in events_raw: one of text, one of numbers."""
    found = connect(warehouse_dsn("admin")).query(
        "SELECT default_expression FROM system.columns WHERE database = currentDatabase() "
        f"AND table = '{RAW}' AND name IN ('property_country', 'property_dwell_ms') ORDER BY name"
    )
    (text,), (number,) = found.result_rows
    made_of = ((text, "country"), (number, "dwell_ms"), (number, "dwell_ms"))
    written = []
    for key, (expression, was) in zip(IN_COLUMNS, made_of, strict=True):
        assert f"'{was}'" in expression
        written.append(f"{expression.replace(was, key)} AS {quoted(column_of(key))}")
    return ", ".join(written)


def found(reader: Client, columns: str, segments: Sequence[Segment], events: Sequence[Event]) -> list[int]:
    """The events that fit, by text; by columns too, which must find the same."""
    in_columns = {column_of(key) for key in IN_COLUMNS}
    by_text, some = condition(segments, columns=set())
    by_column, more = condition(segments, columns=in_columns)
    given_events = {
        "types": [event_type for event_type, _ in events],
        "properties": [base64.b64encode(properties.encode()).decode() for _, properties in events],
    }
    rows = reader.query(
        EVENTS.format(by_text=by_text, by_column=by_column, columns=columns),
        parameters=some | more | given_events,
    ).result_rows
    found_by_text, found_by_column = rows[0]
    assert found_by_column == found_by_text
    return list(found_by_text)


# Few keys and values, so that they meet; and what is hard about each.
KEYS = st.sampled_from(["a", "a.b", "A", "k-1", "0"])
TEXTS = st.one_of(
    st.sampled_from(
        ["DE", "de", "", "10", "10.0", "1e1", "true", "null", "ü", "😀", "'", "\\", '"', "{x:String}"]
    ),
    st.sampled_from(
        ["a\tb", "a\nb", "a\rb", "\0", "\\N", "\\'", "%", "') OR 1=1 --", "NULL", "x=y", "a b", "`", "\u2028"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
NUMBERS = st.one_of(
    st.sampled_from(
        [0, 10, 10.0, -0.0, 0.1, 1e300, 5e-324, 2**53 + 1, 2.0**53, 2**63, -(2**63), 2**64 - 1, 0.1 + 0.2]
    ),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
# What is sent and asked for alike, so that most examples find something.
COMMON = st.sampled_from(["DE", "10", "true"])
VALUES = st.one_of(
    COMMON,
    st.sampled_from([10, 10.0, True, 2.0**53, -1]),
    TEXTS,
    NUMBERS,
    st.booleans(),
    st.none(),
    st.just([10]),
    st.just({"a": 10}),
)
EVENTS_DRAWN = st.lists(
    st.tuples(
        st.sampled_from(["click", "purchase"]),
        st.builds(
            lambda members, ascii_only: json.dumps(members, ensure_ascii=ascii_only),
            st.dictionaries(KEYS, VALUES, max_size=5),
            st.booleans(),
        ),
    ),
    min_size=8,
    max_size=20,
)
AS_TEXT = st.one_of(COMMON, TEXTS, NUMBERS.map(json.dumps), st.sampled_from(["true", "false", "null"]))
SEGMENTS = st.one_of(
    st.sampled_from(["event_type:click", "event_type:purchase"]),
    st.builds("properties.{}{}{}".format, KEYS, st.sampled_from(["=", "!="]), AS_TEXT),
    st.builds("properties.{}{}{}".format, KEYS, st.sampled_from(["<", ">"]), NUMBERS.map(json.dumps)),
    st.builds(
        lambda key, values: f"properties.{key} in {','.join(values)}",
        KEYS,
        st.lists(AS_TEXT, min_size=1, max_size=4),
    ),
)


def _is_segment(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _said(events: list[Event]) -> list[str]:
    """Segments made of what events say: each finds something, or leaves it out."""
    said = [
        f"properties.{key}{operator}{value if isinstance(value, str) else json.dumps(value)}"
        for _, properties in events
        for key, value in json.loads(properties).items()
        for operator in ("=", "!=", "<", ">")
    ]
    return [text for text in said if _is_segment(text)]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Event], list[str]]:
    """Events, and segments to ask of them: any, or such as they say themselves."""
    events = draw(EVENTS_DRAWN)
    drawn = SEGMENTS.filter(_is_segment)
    said = st.sampled_from(_said(events) or ["event_type:click"])
    return events, draw(
        st.one_of(st.lists(said, min_size=1, max_size=2), st.lists(drawn, min_size=1, max_size=3))
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases())
def test_it_finds_the_events_that_fit(
    reader: Client, columns: str, case: tuple[list[Event], list[str]]
) -> None:
    events, texts = case
    segments = [parse(text) for text in texts]
    expected = [n for n, event in enumerate(events) if all(fits(segment, event) for segment in segments)]
    assert found(reader, columns, segments, events) == expected


TABLE = [
    (
        "properties.a=10",
        ['{"a":10}', '{"a":10.0}', '{"a":1e1}', '{"a":"10"}'],
        ['{"a":"10.0"}', '{"a":[10]}', "{}"],
    ),
    ("properties.a=10.0", ['{"a":10}', '{"a":"10.0"}'], ['{"a":"10"}']),
    (
        "properties.a=DE",
        ['{"a":"DE"}', '{"a":"\\u0044E"}', '{"\\u0061":"DE"}'],
        ['{"a":"de"}', '{"b":{"a":"DE"}}'],
    ),
    ("properties.a!=DE", ["{}", '{"a":null}', '{"a":"de"}', '{"a":1}', '{"b":"DE"}'], ['{"a":"DE"}']),
    ("properties.a.b=1", ['{"a.b":1}'], ['{"a":{"b":1}}']),
    ("properties.a=true", ['{"a":true}', '{"a":"true"}'], ['{"a":false}', '{"a":1}']),
    ("properties.a=null", ['{"a":"null"}'], ['{"a":null}', "{}"]),
    (
        "properties.a>9",
        ['{"a":10}', '{"a":9.5}', '{"a":18446744073709551615}'],
        ['{"a":"10"}', '{"a":9}', "{}"],
    ),
    ("properties.a<0", ['{"a":-1}', '{"a":-0.1}'], ['{"a":null}', '{"a":""}', '{"a":false}', "{}"]),
    ("properties.a in DE,FR,10", ['{"a":"FR"}', '{"a":10}', '{"a":"10"}'], ['{"a":"DE,FR"}', '{"a":"ES"}']),
    (
        "properties.a=9007199254740993",
        ['{"a":9007199254740993}'],
        ['{"a":9007199254740992}', '{"a":9007199254740992.0}'],
    ),
    (
        "properties.a in 0,1e18,5",
        ['{"a":0}', '{"a":-0.0}', '{"a":5.0}'],
        ['{"a":""}', '{"a":0.1}'],
    ),
    ("properties.a=0", ['{"a":0}', '{"a":-0}', '{"a":0.0}', '{"a":-0.0}'], ['{"a":""}', '{"a":false}', "{}"]),
    # ClickHouse writes this double as 9223372036854776000.
    ("properties.a=9223372036854775808", ['{"a":9223372036854775808.0}'], ['{"a":9223372036854776000}']),
    ("properties.a=9223372036854776000", ['{"a":9223372036854776000}'], ['{"a":9223372036854775808.0}']),
    # Written 4611686018427388000 too.
    ("properties.a<4611686018427387950", ['{"a":4611686018427387904.0}'], ['{"a":4611686018427388000}']),
    ("properties.a=1", ['{"a":1,"a":2}'], ['{"a":2,"a":1}']),
    (
        "properties.a=36893488147419103232",
        ['{"a":36893488147419103232}', '{"a":3.6893488147419103232e19}'],
        ['{"a":36893488147419103233}'],
    ),
    ("properties.a=DE", ['{"a":"DE","b":1e308}'], ['{"a":"DE","b":1e309}']),
    ("properties.a=0.30000000000000004", ['{"a":0.30000000000000004}'], ['{"a":0.3}']),
]


@pytest.mark.parametrize(("text", "fitting", "others"), TABLE, ids=[row[0] for row in TABLE])
def test_what_fits_and_what_does_not(
    reader: Client, columns: str, text: str, fitting: list[str], others: list[str]
) -> None:
    events = [("click", properties) for properties in (*fitting, *others)]
    assert found(reader, columns, [parse(text)], events) == list(range(len(fitting)))
    assert [n for n, event in enumerate(events) if fits(parse(text), event)] == list(range(len(fitting)))
