"""Offsets, ranges, and where they are cut."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl import rows
from etl.assignment import Assignment
from etl.cutting import Cut, CutLimits, Cutter
from etl.errors import AssignmentGone
from etl.ranges import LogRecord, Offset, Position, Range

NOW_MS = 1_795_262_400_250
LIMITS = CutLimits(batch_rows_max=10, batch_bytes_max=10_000, flush_interval_ms=500)


def assignment(partition: int = 0) -> Assignment:
    return Assignment(topic="events", topic_id="T", partition=partition, committed=Position(0))


def log_record(offset: int, value: bytes = b"v") -> LogRecord:
    return LogRecord(Offset(offset), 0, None, value, ())


def on_day(offset: int, day: int) -> LogRecord:
    return log_record(
        offset, b'{"event_id":"%036d","occurred_at":"%04d-01-01T00:00:00.000Z"}' % (offset, 2000 + day)
    )


@pytest.fixture(scope="session")
def make_cutter(parts: Any) -> Callable[..., tuple[Cutter, Any]]:
    def make(limits: CutLimits = LIMITS) -> tuple[Cutter, Any]:
        clock = parts.ToldClock()
        return Cutter(limits, day_of=rows.day_of, clock=clock), clock

    return make


def drain(cutter: Cutter) -> list[Cut]:
    cuts = []
    while (cut := cutter.next()) is not None:
        cuts.append(cut)
    return cuts


def test_what_is_committed_is_the_place_after_the_last_record() -> None:
    assert Range("T", 3, Offset(10), Offset(19)).next_offset == Position(20)


def test_a_token_names_topic_partition_and_both_ends() -> None:
    one = Range("T", 3, Offset(10), Offset(19))
    others = [replace(one, topic_id="U"), replace(one, partition=4), replace(one, first=Offset(9))]
    assert one.token == "T:3:10-19"
    assert len({one.token, *(other.token for other in others)}) == 4


@pytest.mark.parametrize(("first", "last"), [(5, 4), (-1, 4)])
def test_a_range_that_is_none_cannot_be_made(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="not a range"):
        Range("T", 0, Offset(first), Offset(last))


def test_an_ended_assignment_says_so() -> None:
    ours = assignment()
    ours.check()
    ours.end()
    with pytest.raises(AssignmentGone):
        ours.check()


def test_a_full_range_is_cut_at_once(make_cutter: Any) -> None:
    cutter, _ = make_cutter()
    ours = assignment()
    cutter.add(ours, map(log_record, range(25)))
    assert [(c.range.first, c.range.last) for c in drain(cutter)] == [(0, 9), (10, 19)]


def test_a_range_is_full_with_its_last_row_and_not_with_the_next(make_cutter: Any) -> None:
    cutter, _ = make_cutter()
    cutter.add(assignment(), map(log_record, range(10)))
    assert [len(cut.records) for cut in drain(cutter)] == [10]


def test_the_rest_is_cut_when_its_first_record_has_waited(make_cutter: Any) -> None:
    cutter, clock = make_cutter()
    cutter.add(assignment(), [log_record(0)])
    clock.sleep(0.3)
    cutter.add(assignment(1), [log_record(0)])
    assert cutter.next() is None
    assert cutter.due_in_s(9.0) == pytest.approx(0.2)
    clock.sleep(0.2)
    assert [cut.range.partition for cut in drain(cutter)] == [0]
    assert cutter.due_in_s(9.0) == pytest.approx(0.3)
    assert cutter.due_in_s(0.1) == 0.1


def test_a_range_is_bounded_in_bytes_and_one_large_record_still_moves(make_cutter: Any) -> None:
    cutter, clock = make_cutter(replace(LIMITS, batch_bytes_max=100))
    sizes = [60, 60, 300, 10, 10]
    cutter.add(assignment(), [log_record(n, b"x" * size) for n, size in enumerate(sizes)])
    clock.sleep(1)
    assert [[len(r.value or b"") for r in cut.records] for cut in drain(cutter)] == [
        [60],
        [60],
        [300],
        [10, 10],
    ]


def test_a_range_touches_at_most_31_days(make_cutter: Any) -> None:
    cutter, clock = make_cutter(replace(LIMITS, batch_rows_max=1000))
    cutter.add(assignment(), [on_day(n, day=n // 2) for n in range(80)])
    clock.sleep(1)
    assert [len(cut.records) for cut in drain(cutter)] == [62, 18]


def test_what_is_no_event_has_no_day_of_its_own() -> None:
    assert rows.day_of(on_day(1, 26)) == b"2026-01-01"
    assert {rows.day_of(log_record(n, b"garbage %070d" % n)) for n in range(5)} == {b""}
    assert rows.day_of(LogRecord(Offset(0), 0, None, None, ())) == b""


def test_an_event_in_another_order_has_its_day_too(record: Any) -> None:
    days = set()
    for n in range(3):
        sent = record(1, occurred_at_ms=NOW_MS + n * 86_400_000)
        turned = json.dumps(dict(reversed(json.loads(sent.value).items()))).encode()
        days.add(rows.day_of(LogRecord(Offset(0), 0, None, turned, tuple(sent.headers))))
    assert len(days - {b""}) == 3


def test_an_ended_assignment_is_forgotten_and_the_others_stay(make_cutter: Any) -> None:
    cutter, clock = make_cutter()
    gone, ours = assignment(), assignment(1)
    cutter.add(gone, map(log_record, range(15)))
    cutter.add(ours, [log_record(0)])
    gone.end()
    clock.sleep(1)
    assert [cut.assignment for cut in drain(cutter)] == [ours]


@given(
    reads=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12), st.integers(0, 700)), max_size=30),
    rows_max=st.integers(1, 8),
)
def test_every_record_comes_out_once_in_order_and_no_range_mixes_partitions(
    make_cutter: Any, reads: list[tuple[int, int, int]], rows_max: int
) -> None:
    cutter, clock = make_cutter(replace(LIMITS, batch_rows_max=rows_max))
    assignments = [assignment(n) for n in range(3)]
    read = [0, 0, 0]
    cuts = []
    for partition, count, pause_ms in reads:
        cutter.add(assignments[partition], [log_record(read[partition] + n) for n in range(count)])
        read[partition] += count
        clock.sleep(pause_ms / 1000)
        cuts += drain(cutter)
    clock.sleep(1)
    cuts += drain(cutter)
    for partition in range(3):
        offsets = [r.offset for c in cuts if c.range.partition == partition for r in c.records]
        assert offsets == list(range(read[partition]))
    assert all(len(cut.records) <= rows_max for cut in cuts)


@given(values=st.lists(st.integers(0, 60), min_size=1, max_size=60), split=st.integers(1, 20))
def test_full_ranges_are_cut_at_the_same_places_however_the_records_arrive(
    make_cutter: Any, values: list[int], split: int
) -> None:
    records = [log_record(n, b"x" * size) for n, size in enumerate(values)]
    limits = replace(LIMITS, batch_rows_max=4, batch_bytes_max=100)
    whole, parts = make_cutter(limits)[0], make_cutter(limits)[0]
    ours = assignment()
    whole.add(ours, records)
    for start in range(0, len(records), split):
        parts.add(ours, records[start : start + split])
    ends = [[(c.range.first, c.range.last) for c in drain(cutter)] for cutter in (whole, parts)]
    assert ends[0] == ends[1]
