"""What another process left behind: redone, finished or refused, and never doubled."""

from dataclasses import replace

import pytest
import structlog
from pipeline.memory_log import MemoryMessage
from pipeline.told import NOW_MS, Crash
from pipeline.world import InlineLoaders, World, everything_once, of_partition, send

from etl.cutting import Cut
from etl.errors import Fatal, Retryable
from etl.intents import Intent, Mark, parse
from etl.loading import Finished
from etl.pipeline import STEPS
from etl.ranges import Position
from etl.rows import DECODER, RowReader
from etl.watch import Watch

OUTAGE = Retryable("not now")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_crash_between_any_two_steps_leaves_each_event_once(world: World, step: str, nth: int) -> None:
    class Crashing(Watch):
        """Ends the process right after the named step succeeded for the n-th time."""

        left = nth

        def _step_succeeded(self, name: str, seconds: float) -> None:
            super()._step_succeeded(name, seconds)
            if name == step:
                self.left -= 1
                if self.left == 0:
                    raise Crash

    send(world, range(12))
    world.log.append(b"foreign", partition=0)
    world.log.append(b"foreign", partition=1)
    send(world, range(6))
    if step == "mend":
        world.faults.named["after insert"] = [OUTAGE, None, OUTAGE]
    doomed = world.process(Crashing(world.metrics, clock=world.clock, stalled_after_ms=30_000, loaders=1))
    with pytest.raises(Crash):
        world.drain(doomed)
    doomed.source.die()
    world.drain(world.process())
    assert everything_once(world, range(12))
    assert {(p, letter.record.offset) for p, letter in world.letters.letters} == {(0, 6), (1, 6)}


def test_a_crash_in_a_replay_that_is_cut_elsewhere_doubles_nothing(world: World) -> None:
    numbers = of_partition(0, 12)
    send(world, numbers)
    first = world.process()
    world.drain(first)
    first.source.close()
    world.log.committed[0] = 0  # a tool moved the group back
    world.log.said.pop(0)
    world.limits = replace(world.limits, batch_rows_max=7)
    doomed = world.process()
    world.faults.named["stored"] = [Crash()]
    with pytest.raises(Crash):
        world.drain(doomed)
    doomed.source.die()
    world.drain(world.process())
    assert everything_once(world, numbers)


def test_a_warehouse_that_forgot_its_tokens_is_told_nothing_twice(world: World) -> None:
    numbers = of_partition(0, 4)
    send(world, numbers)
    doomed = world.process()
    world.faults.named["before ledger"] = [Crash()]
    with pytest.raises(Crash):
        world.drain(doomed)
    doomed.source.die()
    assert len(world.store.rows) == 4
    world.store.tokens.clear()
    world.store.tokens_counted.clear()
    world.drain(world.process())
    assert everything_once(world, numbers)


@pytest.mark.parametrize("landed", [0, 1, 2, 3])
def test_a_range_that_another_decoder_had_begun_is_finished_by_this_one(world: World, landed: int) -> None:
    numbers = of_partition(0, 4)
    send(world, numbers)
    doomed = world.process()
    world.faults.named["inside insert" if landed else "before insert"] = [
        Crash(),
        *[None] * max(0, landed - 1),
    ]
    with pytest.raises(Crash):
        world.drain(doomed)
    doomed.source.die()
    mark = parse(world.log.said[0])
    assert mark is not None
    assert mark.intent is not None
    other = replace(mark, intent=replace(mark.intent, decoder=mark.intent.decoder + 1, crc=0))
    world.log.said[0] = other.text()
    with structlog.testing.capture_logs() as logs:
        world.drain(world.process())
    assert everything_once(world, numbers)
    assert [line for line in logs if line["event"] == "range_reads_differently"]


def test_what_is_redone_is_read_to_its_end_though_it_fills_the_buffer_alone(world: World) -> None:
    class TakesSeconds(InlineLoaders):
        """One range at a time, of which each is stored for longer than full buffers wait for room."""

        stored_at = 0.0

        @property
        def idle(self) -> int:
            return 0 if self.waiting else 1

        def start(self, cut: Cut) -> None:
            self.stored_at = world.clock.monotonic() + 5
            super().start(cut)

        def finished(self, timeout_s: float) -> list[Finished]:
            world.clock.sleep(max(0.001, timeout_s))
            return super().finished(timeout_s) if world.clock.monotonic() >= self.stored_at else []

    numbers = [*of_partition(0, 60), *of_partition(1, 90)]
    send(world, numbers)
    for partition, records in world.log.records.items():
        reader = RowReader(world.log.topic_id, partition, cut_at_ms=NOW_MS)
        said = reader.read([MemoryMessage(each) for each in records])
        first, last = records[0].offset, records[-1].offset
        intent = Intent(first, last, said.records, said.crc, DECODER, NOW_MS)
        world.log.committed[partition] = Position(0)
        world.log.said[partition] = Mark(world.log.topic_id, 2, intent).text()
    world.buffer_bytes_max = said.size_bytes // 2
    process = world.process()
    process.pipeline._loaders = TakesSeconds(process.loaders._load)
    world.drain(process)
    process.pipeline.run_once()
    assert everything_once(world, numbers)
    assert not process.source._paused


def test_one_that_wakes_up_after_its_successor_finished_writes_nothing_twice(world: World) -> None:
    numbers = of_partition(0, 12)
    send(world, numbers)
    first = world.process()

    def stand_still() -> None:
        first.source.die()
        successor = world.process()
        world.drain(successor)
        successor.source.close()

    world.faults.named["before insert"] = [stand_still]
    world.drain(first)
    send(world, numbers)
    for _ in range(20):
        first.pipeline.run_once()
    assert everything_once(world, numbers)
    assert world.log.committed[0] == 24


def test_partitions_that_were_added_stop_it_until_they_are_accepted(world: World) -> None:
    send(world, range(10))
    first = world.process()
    world.drain(first)
    first.source.close()
    world.log.records[2], world.log.low[2] = [], 0
    second = world.process()
    with pytest.raises(Fatal, match="UGC_ETL_PARTITIONS_ACCEPTED=3"):
        second.pipeline.run_once()
    second.source.close()
    third = world.process(partitions_accepted=3)
    send(world, range(100, 130))
    world.drain(third)
    third.source.close()
    for partition in (0, 1, 2):
        assert parse(world.log.said[partition]).partitions == 3  # type: ignore[union-attr]
    world.process().pipeline.run_once()


def test_a_topic_made_anew_is_moved_whole_although_its_offsets_were_there_before(world: World) -> None:
    send(world, range(10))
    first = world.process()
    world.drain(first)
    first.source.close()
    world.log.recreate("topic-b")
    send(world, range(5, 20))
    second = world.process()
    for _ in range(60):
        second.pipeline.run_once()
    assert everything_once(world, range(20))
    assert world.log.committed == {n: len(records) for n, records in world.log.records.items()}
