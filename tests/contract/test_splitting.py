"""A body cut into events: byte for byte, one bad event costing one event, and never by recursion."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.reading import NotJson, split, split_lines
from contract.shape import PRUNED_DEPTH, pruned, shape_of

SURROGATE = b'{"a":"\\ud800"}'
# Deeper than any parser of Python recurses; the one of 3.13 goes far.
BOMB = b"[" * 100_000 + b"]" * 100_000
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=10,
)


@given(pieces=st.lists(values, max_size=6), space=st.text(" \t\r\n", max_size=2), slowly=st.booleans())
def test_every_piece_is_as_it_was_sent(pieces: list[Any], space: str, slowly: bool) -> None:
    sent = [json.dumps(piece, ensure_ascii=False).encode() for piece in pieces]
    if slowly:
        sent.append(SURROGATE)
    gap = space.encode()
    body = gap + b"[" + b",".join(gap + piece + gap for piece in sent) + gap + b"]" + gap
    assert split(body) == sent


def test_one_value_is_an_array_of_one() -> None:
    assert split(b' {"a" : 1} \n') == [b'{"a" : 1}']
    assert split(b" " + SURROGATE + b" ") == [SURROGATE]
    assert split(b"5") == [b"5"]
    assert split(b"[]") == split(b" [ ] ") == []


def test_a_byte_order_mark_is_skipped() -> None:
    assert split(b"\xef\xbb\xbf[1]") == [b"1"]
    assert split_lines(b"\xef\xbb\xbf1\n2") == [b"1", b"2"]


@pytest.mark.parametrize("bad", [SURROGATE, BOMB, b'{"a":' + BOMB + b"}", b'"\\udc00"'])
def test_what_no_fast_parser_takes_costs_one_event(bad: bytes) -> None:
    good = '{"a": "]é,[", "b":1e999}'.encode()
    first, middle, last = split(b"[" + good + b"," + bad + b"\n, " + good + b"]")
    assert (first, last) == (good, good)
    assert middle == pruned(bad)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" \n",
        b"\xef\xbb\xbf",
        b"not json",
        b"[",
        b"]",
        b"[1",
        b"[1,",
        b"[1,]",
        b"[,1]",
        b"[1 2]",
        b"[1] x",
        b"[]]",
        b"{} {}",
        b"{'a':1}",
        b"[01]",
        b"[NaN]",
        b'[{"a":Infinity}]',
        b"NaN",
        b'["\xff"]',
        b'["\xed\xa0\x80"]',
        b'["\x01"]',
        b'["\\x"]',
        b'["a',
        b'["a\\',
        b"[" + SURROGATE,
        b"[" + SURROGATE + b",]",
        b"[" + SURROGATE + b",NaN]",
        b"[" + SURROGATE + b"] 1",
        b"[" + BOMB,
        b"[" + BOMB + b"} ]",
        b"{" + b'"a":' + b"[" * 5_000,
        b'["' + b"\\" * 99_999,
        b"[" * 5_000,
        b"[" * 5_000 + b'"' + b'\\"' * 100_000,
    ],
)
def test_a_broken_body_is_not_json_as_a_whole(body: bytes) -> None:
    with pytest.raises(NotJson) as caught:
        split(body)
    assert len(str(caught.value)) < 200


def test_the_message_says_where() -> None:
    with pytest.raises(NotJson, match="at byte 7"):
        split('["é", x]'.encode())


@given(raw=st.binary(max_size=40) | st.text('[]{}",:\\1 \n', max_size=60).map(str.encode))
def test_any_bytes_split_or_are_not_json(raw: bytes) -> None:
    try:
        pieces = split(raw)
    except NotJson:
        return
    assert b"".join(raw.split()) if pieces else raw.strip()
    json.loads(raw)


def test_lines_are_cut_at_line_feeds_and_blank_ones_skipped() -> None:
    assert split_lines(b'{"a":1}\r\n\n  \n {broken\n5') == [b'{"a":1}', b"{broken", b"5"]
    assert split_lines(b"\n\n") == split_lines(b"") == []
    # JSON forbids raw line breaks in strings, and only the line feed ends a line.
    assert split_lines('{"a":"\u2028\u0085"}'.encode()) == ['{"a":"\u2028\u0085"}'.encode()]


@given(value=values)
def test_shape_is_what_a_decoder_would_count(value: Any) -> None:
    def depth(inner: Any) -> int:
        if isinstance(inner, dict):
            return 1 + max(map(depth, inner.values()), default=0)
        if isinstance(inner, list):
            return 1 + max(map(depth, inner), default=0)
        return 0

    properties = {"a": value, "b:[{": value}
    assert shape_of(json.dumps(properties).encode()) == (2, depth(properties))


@given(value=values, wrapped=st.integers(0, 40))
def test_pruning_keeps_the_upper_levels(value: Any, wrapped: int) -> None:
    def cut(inner: Any, level: int) -> Any:
        if isinstance(inner, dict | list) and level > PRUNED_DEPTH:
            return 0
        if isinstance(inner, dict):
            return {name: cut(member, level + 1) for name, member in inner.items()}
        return [cut(member, level + 1) for member in inner] if isinstance(inner, list) else inner

    for _ in range(wrapped):
        value = [1, {"x": value}, "]"]
    less = json.loads(pruned(json.dumps({"a": value}).encode()))
    # A run of brackets is cut once: [[[1]]] and [[[1],[2]]] both become 0 at the same level.
    assert less == cut({"a": value}, 1)


def test_the_slow_way_is_linear() -> None:
    def cost_s(pairs: int) -> float:
        body = b"[" + b"[" * 2_000 + b"[]," * pairs + b"1" + b"]" * 2_000 + b"]"
        started = time.thread_time()
        split(body)
        return time.thread_time() - started

    small = min(cost_s(20_000) for _ in range(3))
    assert min(cost_s(160_000) for _ in range(3)) / small < 8 * 3
