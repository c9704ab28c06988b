"""Exactly the bad rows are found, with few questions, and never by leaving out rows that nobody refused."""

from collections.abc import Callable
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.bisecting import refused
from etl.errors import Fatal, Refused, Retryable


class Probe:
    """A warehouse that refuses a block with any of the `bad` lines in it."""

    def __init__(self, bad: set[bytes]) -> None:
        self.bad = bad
        self.asked: list[list[bytes]] = []

    def __call__(self, block: bytes) -> None:
        lines = block.split(b"\n")
        self.asked.append(lines)
        for line in lines:
            if line in self.bad:
                raise Refused(f"wrong: {line.decode()}")


def rows(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


@given(st.data())
def test_it_finds_exactly_the_bad_rows_and_asks_little(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 600))
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=min(count, 20)))
    probe = Probe({b"%d" % number for number in bad})
    found = refused(rows(count), probe)
    assert found == {number: f"wrong: {number}" for number in bad}
    assert list(found) == sorted(bad)
    assert len(probe.asked) <= 2 * len(bad) * (1 + log2(count)) + 1


def test_one_bad_row_of_fifty_thousand_takes_a_few_dozen_questions() -> None:
    probe = Probe({b"31415"})
    assert list(refused(rows(50_000), probe)) == [31_415]
    assert len(probe.asked) <= 33


def test_all_bad_rows_are_all_named() -> None:
    probe = Probe(set(rows(64)))
    assert list(refused(rows(64), probe)) == list(range(64))
    assert len(probe.asked) == 127


def test_what_is_left_is_accepted_together() -> None:
    probe = Probe({b"3", b"77", b"78"})
    lines = rows(100)
    found = refused(lines, probe)
    probe(b"\n".join(line for number, line in enumerate(lines) if number not in found))


def test_too_many_bad_rows_are_fatal_and_not_left_out() -> None:
    with pytest.raises(Fatal, match=r"more than 10 rows of one block.*wrong: 0;.*ugc migrate"):
        refused(rows(1_000), Probe(set(rows(1_000))), rows_max=10)
    assert len(refused(rows(1_000), Probe(set(rows(10))), rows_max=10)) == 10


def test_too_many_are_noticed_before_all_are_asked_for() -> None:
    probe = Probe(set(rows(5_000)))
    with pytest.raises(Fatal):
        refused(rows(5_000), probe, rows_max=10)
    assert len(probe.asked) < 100


def test_a_block_refused_for_no_row_of_it_is_fatal() -> None:
    def too_many_rows(block: bytes) -> None:
        if block.count(b"\n") >= 9:
            raise Refused("too many partitions for a single block")

    with pytest.raises(Fatal, match=r"10 rows together .*too many partitions.*the warehouse's log"):
        refused(rows(10), too_many_rows)


def test_a_probe_that_takes_what_the_table_refused_is_fatal() -> None:
    with pytest.raises(Fatal, match="events_raw and events_raw_probe differ"):
        refused(rows(3), lambda _: None)


def test_nothing_of_nothing_is_refused() -> None:
    assert refused([], Probe(set())) == {}


@pytest.mark.parametrize("error", [Retryable("away"), Fatal("disk")])
def test_other_errors_pass_through(error: Exception) -> None:
    asked: list[bytes] = []

    def probe(block: bytes) -> None:
        asked.append(block)
        raise Refused("x") if len(asked) < 3 else error

    with pytest.raises(type(error), match=str(error)):
        refused(rows(8), probe)


def test_a_row_is_asked_for_as_it_is(record: Callable[..., object]) -> None:
    probe = Probe({b'{"a":2}'})
    assert refused([b'{"a":1}', b'{"a":2}'], probe) == {1: 'wrong: {"a":2}'}
    assert probe.asked[0] == [b'{"a":1}', b'{"a":2}']
