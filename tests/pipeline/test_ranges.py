"""Offsets, ranges, and where they are cut."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pipeline.memory_log import MemoryMessage
from pipeline.told import ToldClock

from etl.assignment import Assignment
from etl.cutting import RANGE_DAYS_MAX, Cut, CutLimits, Cutter
from etl.errors import AssignmentGone
from etl.intents import Intent
from etl.ranges import RECORD_WEIGHS, LogRecord, Offset, Position, Range

NOW_MS = 1_795_262_400_250
LIMITS = CutLimits(batch_rows_max=10, batch_bytes_max=10_000, flush_interval_ms=500)


def assignment(partition: int = 0, redo: Intent | None = None) -> Assignment:
    return Assignment(topic="events", topic_id="T", partition=partition, committed=Position(0), redo=redo)


def log_record(offset: int, value: bytes | None = b"v") -> LogRecord:
    return LogRecord(Offset(offset), 0, None, value, ())


class Tried:
    """A cutter, its clock, and records put in as a client hands them out."""

    def __init__(self, limits: CutLimits) -> None:
        self.clock = ToldClock()
        self.cutter = Cutter(limits, clock=self.clock)
        self._message = MemoryMessage
        self._assignments: list[Assignment] = []

    def add(self, ours: Assignment, records: Iterable[LogRecord]) -> None:
        self.cutter.add(ours, [self._message(record) for record in records])
        if ours not in self._assignments:
            self._assignments.append(ours)

    def drain(self) -> list[Cut]:
        cuts = []
        for ours in self._assignments:
            while (cut := self.cutter.next(ours)) is not None:
                cuts.append(cut)
        return cuts

    def ends(self) -> list[tuple[int, int]]:
        return [(cut.range.first, cut.range.last) for cut in self.drain()]


@pytest.fixture(scope="session")
def tried() -> Callable[..., Tried]:
    return lambda limits=LIMITS: Tried(limits)


@pytest.fixture(scope="session")
def on_day(record: Any) -> Callable[[int, int], LogRecord]:
    def make(offset: int, day: int) -> LogRecord:
        at_ms = NOW_MS - day * 86_400_000
        sent = record(offset, occurred_at_ms=at_ms, received_at_ms=at_ms)
        return LogRecord(Offset(offset), sent.timestamp_ms, sent.key, sent.value, tuple(sent.headers))

    return make


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


def test_a_full_range_is_cut_at_once(tried: Any) -> None:
    one = tried()
    one.add(assignment(), map(log_record, range(25)))
    assert one.ends() == [(0, 9), (10, 19)]


def test_a_range_is_full_with_its_last_row_and_not_with_the_next(tried: Any) -> None:
    one = tried()
    one.add(assignment(), map(log_record, range(10)))
    assert one.ends() == [(0, 9)]


def test_the_rest_is_cut_when_its_first_record_has_waited(tried: Any) -> None:
    one = tried()
    one.add(assignment(), [log_record(0)])
    one.clock.sleep(0.3)
    one.add(assignment(1), [log_record(0)])
    assert one.drain() == []
    assert one.cutter.due_in_s(9.0) == pytest.approx(0.2)
    one.clock.sleep(0.2)
    assert [cut.range.partition for cut in one.drain()] == [0]
    assert one.cutter.due_in_s(9.0) == pytest.approx(0.3)
    assert one.cutter.due_in_s(0.1) == 0.1


def test_a_range_is_bounded_in_bytes_and_one_large_record_still_moves(tried: Any) -> None:
    one = tried(replace(LIMITS, batch_bytes_max=1_000))
    sizes = [300, 500, 2_000, 10, 10]
    one.add(assignment(), [log_record(n, b"x" * size) for n, size in enumerate(sizes)])
    one.clock.sleep(1)
    assert one.ends() == [(0, 0), (1, 1), (2, 2), (3, 4)]


def test_a_range_touches_at_most_40_days(tried: Any, on_day: Any) -> None:
    one = tried(replace(LIMITS, batch_rows_max=1000, batch_bytes_max=10**9))
    one.add(assignment(), [on_day(n, n % 43) for n in range(43)])
    one.clock.sleep(1)
    cuts = one.drain()
    assert [len(cut.batch.days) for cut in cuts] == [RANGE_DAYS_MAX, 3]
    assert [len(cut.batch) for cut in cuts] == [40, 3]


def test_days_are_counted_over_all_that_came(tried: Any, on_day: Any) -> None:
    one = tried(replace(LIMITS, batch_rows_max=1000, batch_bytes_max=10**9))
    ours = assignment()
    for n in range(86):
        one.add(ours, [on_day(n, n // 2)])
    one.clock.sleep(1)
    assert [len(cut.batch) for cut in one.drain()] == [80, 6]


def test_what_is_no_event_has_no_day(tried: Any) -> None:
    one = tried(replace(LIMITS, batch_rows_max=100, batch_bytes_max=10**9, days_max=1))
    one.add(assignment(), [log_record(n, b"garbage %070d" % n) for n in range(50)])
    one.clock.sleep(1)
    assert one.ends() == [(0, 49)]


def test_an_ended_assignment_is_forgotten_and_the_others_stay(tried: Any) -> None:
    one = tried()
    gone, ours = assignment(), assignment(1)
    one.add(gone, map(log_record, range(15)))
    one.add(ours, [log_record(0)])
    gone.end()
    one.cutter.forget_ended()
    one.clock.sleep(1)
    assert [cut.assignment for cut in one.drain()] == [ours]
    assert one.cutter.bytes_held == 0


def test_what_is_held_is_known_in_bytes(tried: Any) -> None:
    one = tried()
    one.add(assignment(), [log_record(n, b"x" * 10) for n in range(12)])
    assert one.cutter.bytes_held == 12 * (RECORD_WEIGHS + 10)
    assert one.ends() == [(0, 9)]
    assert one.cutter.bytes_held == 2 * (RECORD_WEIGHS + 10)


def test_dead_records_weigh_though_they_hold_nothing(tried: Any) -> None:
    """A stream of tombstones fills a buffer too."""
    one = tried(replace(LIMITS, batch_rows_max=10**6, batch_bytes_max=20 * RECORD_WEIGHS))
    one.add(assignment(), [log_record(n, None) for n in range(50)])
    assert one.cutter.bytes_held == 50 * RECORD_WEIGHS
    one.clock.sleep(1)
    assert one.ends() == [(0, 19), (20, 39), (40, 49)]


def test_who_needs_room_ends_every_range_where_it_is(tried: Any) -> None:
    one = tried()
    one.add(assignment(0), [log_record(0)])
    one.add(assignment(1), [log_record(0)])
    one.cutter.close_all()
    assert len(one.drain()) == 2


def intent(first: int, last: int, **more: Any) -> Intent:
    said = {"records": 1, "crc": 1, "decoder": 1, "cut_at_ms": 5, **more}
    return Intent(Offset(first), Offset(last), **said)


@pytest.mark.parametrize("split", [1, 3, 40])
def test_a_redo_is_cut_exactly_where_it_was_whatever_the_limits_are(tried: Any, split: int) -> None:
    one = tried(replace(LIMITS, batch_rows_max=4, batch_bytes_max=10))
    ours = assignment(redo=intent(3, 27))
    records = list(map(log_record, range(3, 40)))
    for start in range(0, len(records), split):
        one.add(ours, records[start : start + split])
        one.cutter.close_all()
    one.clock.sleep(60)
    redo, *rest = one.drain()
    assert (redo.range.first, redo.range.last, redo.redo) == (3, 27, ours.redo)
    assert redo.batch.records == 25
    assert rest[0].range.first == 28
    assert all(cut.redo is None and cut.batch.records <= 4 for cut in rest)


def test_a_redo_waits_for_its_last_record_however_long(tried: Any) -> None:
    one = tried()
    ours = assignment(redo=intent(0, 9))
    one.add(ours, map(log_record, range(9)))
    one.clock.sleep(3600)
    one.cutter.close_all()
    assert one.drain() == []
    one.add(ours, [log_record(9)])
    assert one.ends() == [(0, 9)]


def test_a_redo_whose_last_records_are_missing_ends_before_what_follows(tried: Any) -> None:
    one = tried()
    ours = assignment(redo=intent(0, 9))
    one.add(ours, map(log_record, [0, 1, 15, 16]))
    one.clock.sleep(1)
    redo, after = one.drain()
    assert (redo.range.first, redo.range.last, redo.batch.records) == (0, 9, 2)
    assert (after.range.first, after.range.last, after.redo) == (15, 16, None)


def test_a_redo_of_which_the_log_returns_nothing_stays_a_redo(tried: Any) -> None:
    """Of nothing: who moves it sees that records are missing, and stops."""
    one = tried()
    ours = assignment(redo=intent(0, 9))
    one.add(ours, [log_record(15)])
    one.clock.sleep(1)
    redo, fresh = one.drain()
    assert (redo.range.first, redo.range.last, redo.redo, redo.batch.records) == (0, 9, ours.redo, 0)
    assert (fresh.range.first, fresh.redo) == (15, None)


def test_a_redo_comes_once(tried: Any) -> None:
    one = tried()
    ours = assignment(redo=intent(0, 2))
    one.add(ours, map(log_record, range(3)))
    assert one.drain()[0].redo
    one.add(ours, [log_record(3)])
    one.clock.sleep(1)
    assert one.drain()[0].redo is None


def test_a_redo_reads_with_the_time_of_the_first_try(tried: Any, record: Any) -> None:
    one = tried()
    day_ms = 86_400_000
    sent = record(1, occurred_at_ms=NOW_MS - 60 * day_ms, received_at_ms=NOW_MS - 60 * day_ms)
    old = LogRecord(Offset(0), sent.timestamp_ms, sent.key, sent.value, tuple(sent.headers))
    cut_at_ms = NOW_MS - 40 * day_ms
    one.add(assignment(redo=intent(0, 0, cut_at_ms=cut_at_ms)), [old])
    one.add(assignment(1), [old])
    one.clock.sleep(1)
    redo, fresh = one.drain()
    assert (redo.intent.cut_at_ms, len(redo.batch), len(redo.batch.dead)) == (cut_at_ms, 1, 0)
    assert (fresh.intent.cut_at_ms, len(fresh.batch), len(fresh.batch.dead)) == (NOW_MS, 0, 1)


def test_a_redo_knows_whether_it_reads_as_it_did(tried: Any, on_day: Any) -> None:
    one = tried()
    records = [on_day(n, 0) for n in range(3)]
    one.add(assignment(), records)
    one.clock.sleep(1)
    (first,) = one.drain()
    assert first.reads_as_intended
    for redo, same in ((first.intent, True), (replace(first.intent, crc=0), False)):
        again = tried()
        again.add(assignment(redo=redo), records)
        assert [cut.reads_as_intended for cut in again.drain()] == [same]


def test_what_a_client_hands_out_again_is_taken_once(tried: Any) -> None:
    one = tried()
    ours = assignment(redo=intent(0, 3))
    one.add(ours, map(log_record, range(3)))
    one.add(ours, map(log_record, range(1, 6)))
    one.add(ours, map(log_record, range(6)))
    one.clock.sleep(1)
    assert [(cut.range.first, cut.range.last, cut.batch.records) for cut in one.drain()] == [
        (0, 3, 4),
        (4, 5, 2),
    ]


def test_only_the_named_range_is_read_with_care(tried: Any, on_day: Any) -> None:
    one = tried()
    one.cutter.be_careful(Range("T", 0, Offset(0), Offset(2)))
    one.add(assignment(redo=intent(0, 2)), [on_day(n, 0) for n in range(5)])
    one.add(assignment(1, redo=intent(0, 2)), [on_day(n, 0) for n in range(5)])
    one.clock.sleep(1)
    assert [(cut.careful, len(cut.batch.whole)) for cut in one.drain()] == [
        (True, 3),
        (False, 0),
        (False, 0),
        (False, 0),
    ]


@given(
    reads=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 12), st.integers(0, 700)), max_size=30),
    rows_max=st.integers(1, 8),
    bytes_max=st.integers(1, 60),
)
def test_every_record_comes_out_once_in_order_and_no_range_mixes_partitions(
    tried: Any, reads: list[tuple[int, int, int]], rows_max: int, bytes_max: int
) -> None:
    one = tried(replace(LIMITS, batch_rows_max=rows_max, batch_bytes_max=bytes_max))
    assignments = [assignment(n) for n in range(3)]
    read = [0, 0, 0]
    cuts = []
    for partition, count, pause_ms in reads:
        records = [log_record(read[partition] + n, b"x" * (n * 3 % 17)) for n in range(count)]
        one.add(assignments[partition], records)
        read[partition] += count
        one.clock.sleep(pause_ms / 1000)
        cuts += one.drain()
    one.clock.sleep(1)
    cuts += one.drain()
    for partition in range(3):
        offsets = [d.record.offset for c in cuts if c.range.partition == partition for d in c.batch.dead]
        assert offsets == list(range(read[partition]))
    for cut in cuts:
        assert cut.batch.records <= rows_max
        assert cut.batch.records == 1 or cut.batch.size_bytes <= bytes_max
        assert cut.range.first == cut.batch.dead[0].record.offset
        assert cut.range.last == cut.batch.dead[-1].record.offset
        assert (cut.intent.first, cut.intent.last) == (cut.range.first, cut.range.last)
