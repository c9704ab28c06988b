"""The run, on fakes: what is stored, what is committed, and in which order, whatever goes wrong."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import structlog

from etl.errors import Fatal, Retryable
from etl.pipeline import STEPS
from etl.watch import Watch

OUTAGE = Retryable("not now")
WHEN = ("before", "after")
WHAT = ("insert", "letters", "commit")


def send(world: Any, record: Any, numbers: Any, **changes: Any) -> None:
    for number in numbers:
        world.log.send(record(number, **changes))


def everything_once(world: Any, numbers: Any) -> bool:
    wanted = {str(UUID(int=number)): 1 for number in numbers}
    return bool(world.rows_by_id() == wanted and world.store.counted == len(wanted))


def test_events_become_rows_and_are_committed(world: Any, record: Any) -> None:
    send(world, record, range(40))
    world.drain(world.process())
    assert everything_once(world, range(40))
    assert sum(world.log.committed.values()) == 40
    assert world.value("ugc_etl_rows_inserted_total") == 40


def test_nothing_is_committed_before_it_is_stored(world: Any, record: Any, parts: Any) -> None:
    send(world, record, range(4))
    process = world.process()
    for _ in range(20):
        process.pipeline.run_once()
    order = [point for point in world.faults.seen if point != "poll"]
    assert order == 2 * ["stored", "before insert", "after insert", "before commit", "after commit"]


def test_an_idle_log_moves_nothing(world: Any) -> None:
    process = world.process()
    for _ in range(5):
        process.pipeline.run_once()
    assert set(world.faults.seen) == {"poll"}


def test_sent_again_counts_once(world: Any, record: Any) -> None:
    send(world, record, range(10))
    process = world.process()
    world.drain(process)
    send(world, record, range(10))
    send(world, record, range(10), user_id="another")
    world.drain(process)
    assert everything_once(world, range(10))
    assert {row["user_id"] for row in world.store.rows} == {f"user-{n}" for n in range(10)}
    assert world.value("ugc_etl_duplicates_total") == 20


def test_a_range_of_copies_only_inserts_nothing_and_is_committed(world: Any, record: Any) -> None:
    send(world, record, [1])
    process = world.process()
    world.drain(process)
    tokens = list(world.store.tokens)
    send(world, record, [1])
    world.drain(process)
    assert world.store.tokens == tokens


@pytest.mark.parametrize("point", ["stored", *(f"{when} {what}" for when in WHEN for what in WHAT)])
def test_an_outage_at_any_point_delays_and_loses_nothing(world: Any, record: Any, point: str) -> None:
    send(world, record, range(5))
    world.log.append(b"foreign")
    world.faults.named[point] = [OUTAGE] * 3
    world.drain(world.process())
    assert not world.faults.named[point]
    assert everything_once(world, range(5))
    assert world.letters.letters


def test_a_lost_answer_is_asked_for_again_with_the_same_rows_under_the_same_token(
    world: Any, record: Any
) -> None:
    send(world, record, [2, 4])
    process = world.process()
    blocks = []
    insert = world.store.insert

    def lose_twice(block: bytes, *, token: str) -> None:
        blocks.append((block, token))
        insert(block, token=token)
        if len(blocks) < 3:
            raise Retryable("the answer was lost")

    world.store.insert = lose_twice
    world.drain(process)
    assert len(blocks) == 3
    assert len(set(blocks)) == 1
    assert everything_once(world, [2, 4])
    assert world.value("ugc_etl_retries_total", step="load") == 2


def test_the_consumer_is_polled_all_through_an_outage_and_reads_on_after_it(world: Any, record: Any) -> None:
    send(world, record, range(30))
    process = world.process()
    insert, outage_ends = world.store.insert, 60.0

    def away(block: bytes, *, token: str) -> None:
        if world.clock.seconds < outage_ends:
            raise Retryable("away")
        insert(block, token=token)

    polled_at = []
    poll = process.source.poll

    def watched(timeout_s: float) -> Any:
        polled_at.append(world.clock.seconds)
        return poll(timeout_s)

    world.store.insert, process.source.poll = away, watched
    world.drain(process)
    pauses = [later - earlier for earlier, later in pairwise(polled_at)]
    assert max(pauses) <= 0.2
    assert everything_once(world, range(30))


def test_what_is_read_in_an_outage_stays_bounded(world: Any, record: Any) -> None:
    send(world, record, range(500))
    process = world.process()
    world.store.insert = lambda *_, **__: (_ for _ in ()).throw(
        Retryable("away") if world.clock.seconds < 30 else Fatal("enough")
    )
    with pytest.raises(Fatal, match="enough"):
        world.drain(process)
    assert sum(len(r) for r in world.log.records.values()) == 500
    assert sum(process.source._position.values()) < 50


def test_an_outage_is_logged_ever_less_often(world: Any, record: Any) -> None:
    send(world, record, [1])
    process = world.process()
    insert = world.store.insert
    failures = iter(range(100))

    def away(block: bytes, *, token: str) -> None:
        if next(failures, None) is not None:
            raise Retryable("away")
        insert(block, token=token)

    world.store.insert = away
    with structlog.testing.capture_logs() as logs:
        world.drain(process)
    assert [line["attempt"] for line in logs if line["event"] == "step_failed"] == [1, 2, 4, 8, 16, 32, 64]


def test_undecodable_records_become_dead_letters_and_their_batch_lands_without_them(
    world: Any, record: Any
) -> None:
    world.log.append(b"foreign \xff bytes", key=b"k", headers=[("a", b"b")])
    world.log.append(None, key=b"tombstone")
    send(world, record, [2, 4])
    world.drain(world.process())
    assert everything_once(world, [2, 4])
    assert [letter.record.value for _, letter in world.letters.letters] == [b"foreign \xff bytes", None]
    assert world.value("ugc_etl_dead_letters_total", reason="tombstone") == 1


def test_dead_letters_are_stored_before_the_commit(world: Any) -> None:
    world.log.append(b"foreign")
    world.drain(world.process())
    points = [point for point in world.faults.seen if point != "poll"]
    assert points == ["before letters", "after letters", "before commit", "after commit"]


def test_when_dead_letters_cannot_be_written_it_stops_and_skips_nothing(world: Any, parts: Any) -> None:
    world.log.append(b"foreign")
    world.letters.write = lambda *_: (_ for _ in ()).throw(Fatal("no such topic"))
    with pytest.raises(Fatal, match="no such topic"):
        world.drain(world.process())
    assert not world.log.committed


def test_a_rejected_insert_stops_it_uncommitted(world: Any, record: Any) -> None:
    send(world, record, [1])
    world.store.insert = lambda *_, **__: (_ for _ in ()).throw(Fatal("rejected"))
    with pytest.raises(Fatal, match="rejected"):
        world.drain(world.process())
    assert not world.log.committed


def test_a_partition_taken_away_in_an_outage_is_dropped_uncommitted(world: Any, record: Any) -> None:
    of_partition_1 = [n for n in range(40) if sum(record(n).key) % 2]
    send(world, record, of_partition_1)
    assert not world.log.records[0]
    first = world.process()
    insert = world.store.insert
    calls: list[str] = []

    def away(block: bytes, *, token: str) -> None:
        calls.append(token)
        if len(calls) == 1:
            world.process()  # another member joins: partition 1 becomes its own
        raise Retryable("away")

    world.store.insert = away
    for _ in range(100):
        first.pipeline.run_once()
    assert set(first.source.assignments) == {0}
    assert len(calls) == 1
    assert not world.log.committed
    world.store.insert = insert
    first.source.die()
    second = world.process()
    world.log.members = [second.source]
    world.drain(second)
    assert everything_once(world, of_partition_1)


def test_asked_to_stop_it_drops_the_range_it_cannot_finish(world: Any, record: Any) -> None:
    send(world, record, [1])
    process = world.process()

    def away(*_: Any, **__: Any) -> None:
        world.stopping = True
        raise Retryable("away")

    world.store.insert = away
    process.pipeline.run()
    assert not world.log.committed
    assert not world.store.rows


def test_asked_to_stop_it_finishes_the_range_in_hand(world: Any, record: Any) -> None:
    send(world, record, range(0, 40, 2))
    process = world.process()
    insert = world.store.insert

    def last(block: bytes, *, token: str) -> None:
        world.stopping = True
        insert(block, token=token)

    world.store.insert = last
    process.pipeline.run()
    assert len(world.store.tokens) == 1
    assert sum(world.log.committed.values()) == len(world.store.rows)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("time", [1, 2])
def test_a_crash_between_any_two_steps_leaves_each_event_once(
    world: Any, parts: Any, record: Any, step: str, time: int
) -> None:
    class Crashing(Watch):
        """Ends the process right after the named step succeeded for the n-th time."""

        left = time

        def _step_succeeded(self, name: str, seconds: float) -> None:
            super()._step_succeeded(name, seconds)
            if name == step:
                self.left -= 1
                if self.left == 0:
                    raise parts.Crash

    send(world, record, range(12))
    world.log.append(b"foreign", partition=0)
    world.log.append(b"foreign", partition=1)
    send(world, record, range(6))
    doomed = world.process(Crashing(world.metrics, clock=world.clock, stalled_after_ms=30_000))
    with pytest.raises(parts.Crash):
        world.drain(doomed)
    doomed.source.die()
    world.drain(world.process())
    assert everything_once(world, range(12))
    assert {(p, letter.record.offset) for p, letter in world.letters.letters} >= {(0, 6), (1, 6)}


def test_every_step_is_timed_under_its_own_name(world: Any, record: Any) -> None:
    send(world, record, [1])
    world.log.append(b"foreign")
    world.drain(world.process())
    timed = {step for step in STEPS if world.value("ugc_etl_step_seconds_count", step=step)}
    assert timed == set(STEPS)


def test_one_message_repeated_for_ever_is_one_row(world: Any, record: Any) -> None:
    send(world, record, [1] * 200)
    world.drain(world.process())
    assert everything_once(world, [1])
