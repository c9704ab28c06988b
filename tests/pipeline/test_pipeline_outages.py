"""The run through outages: what delays it, what it does not send twice, and what stays bounded meanwhile."""

import time
from itertools import pairwise
from typing import Any

import pytest
import structlog
from pipeline.told import Crash
from pipeline.world import InlineLoaders, World, everything_once, send

from etl.batch import Block
from etl.cutting import Cut
from etl.errors import Retryable
from etl.loading import Finished
from etl.retry import BackOff

OUTAGE = Retryable("not now")
WHEN = ("before", "after")
WHAT = ("insert", "letters", "ledger", "commit")


@pytest.mark.parametrize("point", ["stored", *(f"{when} {what}" for when in WHEN for what in WHAT)])
def test_an_outage_at_any_point_delays_and_loses_nothing(world: World, point: str) -> None:
    send(world, range(5))
    world.log.append(b"foreign")
    # An insert without an answer is not sent again: one for each of two partitions.
    world.faults.named[point] = [OUTAGE] * (2 if point.endswith("insert") else 3)
    world.drain(world.process())
    assert not world.faults.named[point]
    assert everything_once(world, range(5))
    assert len(world.letters.letters) == 1


@pytest.mark.parametrize("forgotten", [False, True], ids=["token known", "power was lost with the token"])
def test_after_a_lost_answer_the_offsets_decide_and_nothing_is_sent_twice(
    world: World, forgotten: bool
) -> None:
    send(world, [2, 4])
    process = world.process()
    tokens = []
    insert = world.store.insert

    def lose(block: Block, *, token: str) -> None:
        insert(block, token=token)
        tokens.append(token)
        if forgotten:
            world.store.tokens.clear()
            world.store.tokens_counted.clear()
        raise Retryable("the answer was lost")

    world.store.insert = lose
    world.drain(process)
    assert len(tokens) == 1
    assert everything_once(world, [2, 4])
    assert world.value("ugc_etl_retries_total", step="load") == 1
    assert "before mend" in world.faults.seen


def test_the_consumer_is_polled_all_through_an_outage_and_reads_on_after_it(threaded: World) -> None:
    send(threaded, range(30))
    process = threaded.process()
    outage_ends = time.monotonic() + 1.0

    def away() -> None:
        if time.monotonic() < outage_ends:
            raise Retryable("away")

    polled_at = []
    poll = process.source.poll

    def watched(timeout_s: float) -> Any:
        polled_at.append(time.monotonic())
        return poll(timeout_s)

    threaded.store.outage, process.source.poll = away, watched
    threaded.drain(process)
    process.loaders.close()
    assert max(later - earlier for earlier, later in pairwise(polled_at)) < 0.5
    assert len([at for at in polled_at if at < outage_ends]) > 20
    assert everything_once(threaded, range(30))


def test_what_is_read_in_an_outage_stays_bounded_and_polling_goes_on(threaded: World) -> None:
    send(threaded, range(400))
    threaded.buffer_bytes_max = 20_000
    process = threaded.process()
    pause = process.source.pause
    paused, away = [], [True]

    def outage() -> None:
        if away:
            raise Retryable("away")

    def noted() -> None:
        paused.append(process.source._position.copy())
        pause()

    threaded.store.outage, process.source.pause = outage, noted
    ends = time.monotonic() + 60
    while len(paused) < 5 and time.monotonic() < ends:
        process.pipeline.run_once()
    assert len(paused) == 5, "it stopped polling"
    assert all(sum(position.values()) < 150 for position in paused)
    away.clear()
    threaded.drain(process)
    process.loaders.close()
    assert everything_once(threaded, range(400))


def test_an_outage_is_logged_ever_less_often(world: World) -> None:
    send(world, [1])
    process = world.process()
    failures = iter(range(101))

    def away() -> None:
        if next(failures, None) is not None:
            raise Retryable("away")

    world.store.outage = away
    with structlog.testing.capture_logs() as logs:
        world.drain(process)
    told = [(line["step"], line["attempt"]) for line in logs if line["event"] == "step_failed"]
    assert told == [("load", 1), *(("mend", attempt) for attempt in (1, 2, 4, 8, 16, 32, 64))]


def test_a_partition_taken_away_in_an_outage_is_redone_by_the_next(threaded: World, record: Any) -> None:
    of_partition_1 = [n for n in range(40) if sum(record(n).key) % 2]
    send(threaded, of_partition_1)
    first = threaded.process()
    calls: list[float] = []

    def away() -> None:
        calls.append(time.monotonic())
        raise Retryable("away")

    threaded.store.outage = away
    while len(calls) < 3:
        first.pipeline.run_once()
    second = threaded.process()  # another member joins: partition 1 becomes its own
    for _ in range(20):
        first.pipeline.run_once()
    assert set(first.source.assignments) == {0}
    assert not first.loaders._waiting.qsize()
    before = len(calls)
    time.sleep(0.1)
    assert len(calls) == before, "it went on after its partition was taken away"
    assert not threaded.log.committed[1]
    assert not threaded.rows_by_id()
    threaded.store.outage = lambda: None
    threaded.drain(second)
    first.loaders.close()
    second.loaders.close()
    assert everything_once(threaded, of_partition_1)


@pytest.mark.parametrize("torn", [1, 2, 3])
@pytest.mark.parametrize("also", ["nothing", "its process"])
def test_an_insert_torn_by_the_warehouses_end_is_mended(world: World, torn: int, also: str) -> None:
    """1: token known and no row; 2: rows and nothing counted; 3: rows, and the count's token known alone."""
    send(world, range(0, 10, 2))
    doomed = world.process()
    error: Any = Crash() if also == "its process" else Retryable("killed")
    world.faults.named["inside insert"] = [error, *[None] * (torn - 1)]
    if also == "its process":
        with pytest.raises(Crash):
            world.drain(doomed)
        assert not world.each_once() or not world.store.rows
        doomed.source.die()
        doomed = world.process()
    world.drain(doomed)
    assert everything_once(world, range(0, 10, 2))
    if torn != 2:
        assert world.value("ugc_etl_rows_mended_total") >= 5


def test_trouble_of_a_source_that_was_given_up_is_over_with_the_next(world: World) -> None:
    world.back_off = BackOff(5_000, 5_000)
    send(world, range(10))
    watch = world.watch()
    first = world.process(watch)
    world.faults.named["before commit"] = [OUTAGE]
    while not watch._trouble:
        first.pipeline.run_once()
    world.faults.named["poll"] = [Retryable("cannot take over partitions")]
    with pytest.raises(Retryable, match="cannot take over"):
        first.pipeline.run()
    first.source.close()
    second = world.process(watch)
    world.drain(second)
    second.pipeline.run_once()
    watch.check_moving()
    assert everything_once(world, range(10))


def test_trouble_of_a_range_that_is_read_again_is_over_with_it(world: World) -> None:
    world.back_off = BackOff(5_000, 5_000)
    world.store.refuses = lambda row: row["user_id"] == "user-2"
    send(world, [2, 4])
    watch = world.watch()
    process = world.process(watch)
    load = process.loaders._load

    def confirmed_in_vain(cut: Cut) -> Finished:
        lane = process.pipeline._lanes[cut.assignment]
        lane.assignment.confirmed_at -= 60
        world.faults.named["before commit"] = [OUTAGE]
        process.pipeline._advance(lane)
        assert watch._trouble
        process.loaders._load = load
        return load(cut)

    process.loaders._load = confirmed_in_vain
    world.drain(process)
    watch.check_moving()
    assert everything_once(world, [4])


def test_reading_stays_bounded_while_all_loaders_are_busy_with_what_was_taken_away(world: World) -> None:
    class OthersBusy(InlineLoaders):
        """Loaders in a call that does not end, for ranges whose partitions and lanes are gone."""

        busy = True

        @property
        def idle(self) -> int:
            return 0 if self.busy else 1

        def finished(self, timeout_s: float) -> list[Finished]:
            world.clock.sleep(max(0.001, timeout_s))
            return super().finished(timeout_s)

    send(world, range(2_000))
    world.buffer_bytes_max = 20_000
    process = world.process()
    process.pipeline._loaders = loaders = OthersBusy(process.loaders._load)
    for _ in range(500):
        process.pipeline.run_once()
    assert process.source._paused
    assert process.pipeline._cutter.bytes_held < 2 * world.buffer_bytes_max
    loaders.busy = False
    world.drain(process)
    assert everything_once(world, range(2_000))
