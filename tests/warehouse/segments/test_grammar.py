"""The grammar of segments: what is read, what is refused and where, and that nothing of it becomes SQL."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickhouse.segments import Operator, Segment, SegmentError, condition, number_of, parse
from clickhouse.segments.columns import SHIPPED, column_of

IN_COLUMNS = (*SHIPPED, "utm.source", "a-b")
COLUMNS = frozenset(column_of(key) for key in IN_COLUMNS)
KEYS = st.one_of(st.from_regex(r"[A-Za-z0-9_.-]{1,64}", fullmatch=True), st.sampled_from(IN_COLUMNS))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
NUMBERS = st.one_of(st.integers().map(str), st.floats(allow_nan=False, allow_infinity=False).map(json.dumps))
VALUES = st.one_of(
    TEXTS, NUMBERS, st.sampled_from(["true", "false", "null", "'", "\\", "') OR 1 --", "{x:String}"])
)


def segments() -> st.SearchStrategy[Segment]:
    types = st.from_regex(r"[a-z][a-z0-9_.]{0,63}", fullmatch=True)
    items = VALUES.filter(lambda value: "," not in value and value.strip(" ") == value)
    return st.one_of(
        types.map(lambda name: Segment(Operator.TYPE, "", (name,))),
        st.builds(
            lambda operator, key, value: Segment(operator, key, (value,)),
            st.sampled_from([Operator.EQUAL, Operator.DIFFERENT]),
            KEYS,
            VALUES.filter(lambda value: value[0] not in " ="),
        ),
        st.builds(
            lambda operator, key, value: Segment(operator, key, (value,)),
            st.sampled_from([Operator.LESS, Operator.GREATER]),
            KEYS,
            NUMBERS.filter(lambda value: number_of(value) is not None),
        ),
        st.builds(
            lambda key, values: Segment(Operator.IN, key, tuple(values)),
            KEYS,
            st.lists(items, min_size=1, max_size=4),
        ),
    ).filter(lambda segment: len(str(segment)) <= 200)


@given(segments())
def test_what_is_written_is_read_again(segment: Segment) -> None:
    assert parse(str(segment)) == segment


@given(st.one_of(st.text(), st.builds(lambda s, t: str(s) + t, segments(), st.text(max_size=5))))
def test_any_text_is_a_segment_or_is_refused_at_a_place_within_it(text: str) -> None:
    read = outcome(text)
    if isinstance(read, SegmentError):
        assert 1 <= read.place <= len(text) + 1
        assert read.message
    else:
        assert str(read) == text, "nothing is guessed, trimmed or folded"


def outcome(text: str) -> Segment | SegmentError:
    try:
        return parse(text)
    except SegmentError as error:
        return error


@given(st.lists(segments(), max_size=5))
def test_the_sql_is_made_of_fixed_words_and_typed_placeholders(asked: list[Segment]) -> None:
    sql, parameters = condition(asked, columns=COLUMNS)
    rest = re.sub(
        r"\{seg\d_(?:type|key|text\d+|json\d+|number\d+|bits\d+):(?:String|Int64|UInt64)\}", "", sql
    )
    assert not set(re.findall(r"\w+", rest)) - WORDS
    assert not set(rest) - set("(),=<>'[]\\\" `:-+") - set("".join(WORDS))
    assert set(re.findall(r"\{(\w+):", sql)) == set(parameters)
    # The same text for the same shape: what was asked is nowhere in it.
    again = [Segment(s.operator, _same(s.key), tuple(map(_alike, s.values))) for s in asked]
    assert condition(again, columns=COLUMNS)[0] == sql


def _same(key: str) -> str:
    return key if key in IN_COLUMNS else "k" if key else ""


WORDS = {
    *(word for column in COLUMNS for word in re.findall(r"\w+", column)),
    *("notEmpty", "isNotNull", "toInt64OrNull", "toInt64OrZero", "e0"),
    *(
        "event_type",
        "properties",
        "multiIf",
        "if",
        "IN",
        "OR",
        "AND",
        "NOT",
        "reinterpretAsFloat64",
        "0",
        "1",
    ),
    *("multiSearchAny", "concat", "JSONExtractRaw"),
    *("JSONType", "JSONExtractString", "JSONExtractBool", "JSONExtractInt", "JSONExtractUInt"),
    *("JSONExtractFloat", "String", "Bool", "true", "false", "Int64", "UInt64", "Double"),
}


def _alike(value: str) -> str:
    number = number_of(value)
    if number is None:
        return "true" if value in ("true", "false") else "x"
    if isinstance(number, float):
        return "0.5"
    return str(next(like for like in (0, 7, 2**53, 2**63) if _magnitude(like) == _magnitude(number)))


def _magnitude(number: int) -> tuple[bool, bool, bool]:
    return number == 0, abs(number) < 2**53, number < 2**63


def test_no_segment_is_every_event() -> None:
    assert condition((), columns=COLUMNS) == ("1", {})


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("event_type:video.completed", Segment(Operator.TYPE, "", ("video.completed",))),
        ("properties.country=DE", Segment(Operator.EQUAL, "country", ("DE",))),
        ("properties.a.b-c_D=x=y", Segment(Operator.EQUAL, "a.b-c_D", ("x=y",))),
        ("properties.a!=!", Segment(Operator.DIFFERENT, "a", ("!",))),
        ("properties.a=b ", Segment(Operator.EQUAL, "a", ("b ",))),
        ("properties.price<-1.5e3", Segment(Operator.LESS, "price", ("-1.5e3",))),
        ("properties.in in in,and", Segment(Operator.IN, "in", ("in", "and"))),
    ],
)
def test_read(text: str, segment: Segment) -> None:
    assert parse(text) == segment


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", 1),
        ("click", 1),
        ("event_type", 11),
        ("event_type=click", 11),
        ("event_type:", 12),
        ("event_type:Click", 12),
        ("event_type:click ", 17),
        ("event_type:" + "a" * 65, 76),
        ("Event_type:click", 1),
        ("properties", 11),
        ("properties.", 12),
        ("properties.=x", 12),
        ("properties.é=x", 12),
        ("properties." + "k" * 65 + "=x", 76),
        ("properties.a", 13),
        ("properties.a =x", 13),
        ("properties.a= x", 14),
        ("properties.a=", 14),
        ("properties.a!=", 15),
        ("properties.a==x", 14),
        ("properties.a!==x", 15),
        ("properties.a<=5", 14),
        ("properties.a<>5", 14),
        ("properties.a<x", 14),
        ("properties.a<", 14),
        ("properties.a>05", 14),
        ("properties.a>.5", 14),
        ("properties.a>+5", 14),
        ("properties.a>1_000", 14),
        ("properties.a>٣", 14),
        ("properties.a>nan", 14),
        ("properties.a>1e999", 14),
        ("properties.a~x", 13),
        ("properties.a like x", 13),
        ("properties.a in", 13),
        ("properties.a in ", 17),
        ("properties.a in x,", 19),
        ("properties.a in x,,y", 19),
        ("properties.a in x, y", 19),
        ("properties.a in x ,y", 18),
        ("properties.a  in x", 13),
        ("properties.a in  x", 17),
        ("properties.a IN x", 13),
        ("properties.a[0]=x", 13),
        ("properties.a=\ud800", 14),
        ("properties.a=" + "x" * 188, 201),
    ],
)
def test_refused_at_its_place(text: str, place: int) -> None:
    with pytest.raises(SegmentError) as refused:
        parse(text)
    assert refused.value.place == place, refused.value.message


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("10", 10),
        ("10.0", 10),
        ("1e1", 10),
        ("-0", 0),
        ("0.1", 0.1),
        ("9007199254740993", 9007199254740993),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("1e308", 1e308),
        ("1e309", None),
        ("1e-400", 0),
        ("1" * 150, float("1" * 150)),
        ("007", None),
        ("+1", None),
        (" 1", None),
        ("1 ", None),
        ("1\n", None),
        (".5", None),
        ("5.", None),
        ("0x1F", None),
        ("NaN", None),
        ("", None),
    ],
)
def test_what_reads_as_a_number(text: str, number: Any) -> None:
    found = number_of(text)
    assert (found, type(found)) == (number, type(number))


@given(st.text(max_size=40))
def test_a_number_is_always_one_that_json_knows(text: str) -> None:
    found = number_of(text)
    if found is not None:
        assert math.isfinite(found)
        assert float(json.loads(text)) == float(found)
