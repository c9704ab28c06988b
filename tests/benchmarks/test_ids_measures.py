"""What new events cost to be told from copies: ranges that are made, judged and checked, no service."""

import os
from collections.abc import Iterator, Sequence
from uuid import UUID

import pytest

from benchmarks import ids
from benchmarks.events import Ids
from benchmarks.frame.errors import Void
from benchmarks.frame.session import Session
from benchmarks.remembering import history
from benchmarks.remembering.asking import Answered, Asker
from benchmarks.remembering.ranges import TOPIC_ID, Ranges
from contract import wire
from contract.topics import EVENTS
from etl.batch import Batch
from etl.filter import Filter
from etl.packed import pack
from etl.ranges import Range
from etl.seen import FILTER_SHARE

BEGINS_AT_MS = 1_763_700_000_000
SEEN_BYTES_MAX = 8 * 2**20


class Stored:
    """A warehouse of ids, in this process; it can be made to forget, or to know too much."""

    def __init__(self, known: Sequence[bytes] = ()) -> None:
        self.known = set(known)
        self.asked = 0
        self.conflicting: list[object] = []
        self.streamed = True

    def stored(self, asked: Sequence[bytes], *, leaving_out: Range | None = None) -> set[bytes]:
        assert leaving_out is None
        self.asked += len(asked)
        return self.known.intersection(asked)

    def remembered_count(self) -> int:
        return len(self.known)

    def remembered(self) -> Iterator[bytes]:
        yield pack(sorted(self.known)).tobytes() if self.known and self.streamed else b""

    def conflicts(self, range_: Range, copies: Batch) -> list[object]:
        assert range_.topic_id == TOPIC_ID
        assert len(copies)
        return self.conflicting


def ranges(version: Ids = "uuid7", seed: int = 1) -> Ranges:
    return Ranges(seed=seed, version=version, begins_at_ms=BEGINS_AT_MS)


def asker(session: Session, store: Stored) -> Asker:
    return Asker(session, store, pid=os.getpid(), seen_bytes_max=SEEN_BYTES_MAX)  # type: ignore[arg-type]


@pytest.mark.parametrize(("version", "number"), [("uuid7", 7), ("uuid4", 4)])
def test_a_window_is_a_range_of_each_partition_over_the_same_seconds(version: Ids, number: int) -> None:
    made = ranges(version)
    first, second = list(made.window(rows=1_000)), list(made.window(rows=1_000))
    assert [cut.range.partition for cut in first] == list(range(EVENTS.partitions))
    assert [(cut.range.first, cut.range.last) for cut in second] == [(1_000, 1_999)] * EVENTS.partitions
    everything = [id_ for cut in [*first, *second] for id_ in cut.batch.ids]
    assert len(set(everything)) == len(everything) == 2_000 * EVENTS.partitions
    assert {UUID(id_.decode()).version for id_ in everything} == {number}
    times = [[record.timestamp_ms for record in cut.records] for cut in first]
    assert all(min(each) - min(times[0]) <= 1 and max(each) - max(times[0]) <= 1 for each in times)
    assert min(record.timestamp_ms for record in second[0].records) >= max(map(max, times))


def test_what_is_in_a_range_is_what_the_codec_reads() -> None:
    (cut,) = ranges().window(ranges=1, rows=200)
    assert len(cut.batch) == 200
    assert not cut.batch.dead
    for record, id_ in zip(cut.records, cut.batch.ids, strict=True):
        event = wire.decode(record.value, record.headers)
        assert (event.event_id.encode(), record.key) == (id_, id_)
        assert event.occurred_at_ms == record.timestamp_ms == UUID(event.event_id).int >> 80


def test_a_mixed_range_holds_its_copies_and_is_new_besides() -> None:
    made = ranges()
    (earlier,) = made.window(ranges=1, rows=20)
    mixed = made.mixed(0, earlier.records, rows=100)
    again = set(earlier.batch.ids) & set(mixed.batch.ids)
    assert (len(mixed.batch), len(again)) == (100, 20)
    assert [record.key for record in mixed.records[:20]] != [record.key for record in earlier.records]
    assert mixed.range.first == 20


def test_events_can_be_made_under_ids_that_are_given() -> None:
    given = [history.as_text(number) for number in (0x7 << 76 | 0b10 << 62, 0x4 << 76 | 5)]
    assert [record.key for record in ranges().like(given)] == given
    assert given[1] == b"00000000-0000-4000-0000-000000000005"


def test_new_events_are_judged_counted_and_remembered(session: Session) -> None:
    asking = asker(session, store := Stored())
    cuts = list(ranges().window(rows=500))
    judged = asking.answer(cuts)
    assert (judged.events, judged.asked) == (2_000, 2_000)
    assert judged.asked_percent == 100
    assert judged.cpu_us("bench") >= 0
    assert len(session.checks) == 3 * len(cuts)
    store.known.update(cuts[0].batch.ids)
    # Known by the memory now, but for some whose places newer ones took.
    assert asking.answer(cuts[:1], copies=500).asked_percent < 5


def test_a_copy_that_is_called_new_voids_the_run(session: Session) -> None:
    made = ranges()
    (known,) = made.window(ranges=1, rows=10)
    mixed = made.mixed(0, known.records, rows=50)
    assert asker(session, Stored(list(known.batch.ids))).answer([mixed], copies=10).events == 50
    with pytest.raises(Void, match="events called copies should be 10 and is 0"):
        asker(session, Stored()).answer([mixed], copies=10)


def test_a_new_event_that_is_called_a_copy_voids_the_run(session: Session) -> None:
    (cut,) = ranges().window(ranges=1, rows=50)
    with pytest.raises(Void, match="events called copies should be 0 and is 1"):
        asker(session, Stored([cut.batch.ids[7]])).answer([cut])


def test_a_copy_that_is_said_to_differ_voids_the_run(session: Session) -> None:
    (cut,) = ranges().window(ranges=1, rows=50)
    store = Stored(list(cut.batch.ids))
    store.conflicting = ["another user"]
    with pytest.raises(Void, match="copies that say something else should be 0 and is 1"):
        asker(session, store).answer([cut], copies=50)


def test_a_bare_question_whose_answer_is_wrong_voids_the_run(session: Session) -> None:
    (cut,) = ranges().window(ranges=1, rows=50)
    assert asker(session, Stored()).ask(cut).asked == 50
    with pytest.raises(Void, match="ids of new events that the warehouse has should be 0 and is 1"):
        asker(session, Stored([cut.batch.ids[0]])).ask(cut)


@pytest.mark.parametrize(("streamed", "asked"), [(True, 0), (False, 100)])
def test_the_reading_is_waited_for_and_what_it_missed_is_seen_in_what_is_asked(
    session: Session, streamed: bool, asked: int
) -> None:
    store = Stored([history.as_text(0x7 << 76 | number << 90) for number in range(1_000)])
    store.streamed = streamed
    asking, made = asker(session, store), ranges()
    # More than is asked for before all are read.
    asking.answer(list(made.window(rows=26_000)))
    assert len(asking.reading_s) == 1
    assert asking.answer(list(made.window(ranges=1, rows=1_000))).asked_percent == asked


def test_cost_is_told_by_event() -> None:
    judged = Answered(0.1, {"bench": 0.05, "warehouse": 0.2}, 50_000, 5_000, 0.01)
    assert judged.wall_us == pytest.approx(2.0)
    assert judged.cpu_us("bench") == pytest.approx(1.0)
    assert judged.cpu_us("warehouse") == pytest.approx(4.0)
    assert judged.asked_percent == 10


@pytest.mark.parametrize("stored", [10_000_000, 100_000_000])
def test_the_memory_that_is_called_enough_is_enough(stored: int) -> None:
    room = ids.needed_bytes(stored)
    assert Filter.for_keys(stored, bytes_max=int(room * FILTER_SHARE)) is not None
    assert Filter.for_keys(stored, bytes_max=int(room * FILTER_SHARE / 2)) is None
    assert room % ids.MIB == 0
