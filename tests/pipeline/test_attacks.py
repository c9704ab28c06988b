"""What an attacker of the pipeline tried, each once a way to lose, to double or to grow."""

from typing import Any

import pytest
from pipeline.told import Crash

from etl.errors import Fatal, Retryable


def append(world: Any, record: Any) -> None:
    world.log.append(record.value, partition=0, key=record.key, headers=record.headers)


def test_while_commits_fail_what_is_read_stays_bounded(world: Any, record: Any) -> None:
    for number in range(4_000):
        append(world, record(number))
    world.buffer_bytes_max = 20_000
    process = world.process()
    process.pipeline.run_once()

    def failing(*_: Any) -> None:
        raise Retryable("no coordinator")

    process.source.commit = failing
    held = 0
    for _ in range(600):
        process.pipeline.run_once()
        lanes = sum(lane.bytes_held for lane in process.pipeline._lanes.values())
        held = max(held, process.pipeline._cutter.bytes_held + lanes)
    assert 20_000 <= held < 60_000


def test_a_good_copy_of_a_bad_event_is_stored(world: Any, record: Any) -> None:
    """In one range with it, and behind it; the letter is of the bad one alone."""
    for value in (666.0, 667.0, 1.5, 2.5):
        append(world, record(1, value=value))
    world.store.refuses = lambda row: row["value"] > 600
    world.drain(world.process())
    assert [letter.record.offset for _, letter in world.letters.letters] == [0, 1]
    assert [row["value"] for row in world.store.rows] == [1.5]
    assert world.each_once()


def test_a_range_of_which_the_log_lost_a_record_stops_it(world: Any, record: Any) -> None:
    for number in range(5):
        append(world, record(number))
    world.faults.named["before insert"] = [Crash()]
    first = world.process()
    with pytest.raises(Crash):
        world.drain(first)
    first.source.die()
    second = world.process()
    poll = second.source.poll

    def lossy(timeout_s: float) -> Any:
        return {of: [each for each in read if each.offset() != 2] for of, read in poll(timeout_s).items()}

    second.source.poll = lossy
    with pytest.raises(Fatal, match=r"the log holds 4 records; 5 were read before: it lost some"):
        second.pipeline.run()
    assert not world.store.rows


def test_nothing_more_is_mended_once_the_partition_may_be_gone(world: Any, record: Any) -> None:
    append(world, record(1))
    process = world.process()
    mend, checks = world.store.mend, []

    def lost(*_: Any, **__: Any) -> None:
        raise Retryable("the answer was lost")

    def mended(*of: Any, check: Any, **how: Any) -> Any:
        checks.append(check)
        return mend(*of, check=check, **how)

    world.store.insert, world.store.mend = lost, mended
    world.drain(process)
    next(iter(process.source.assignments.values())).end()
    with pytest.raises(Exception, match="belongs to somebody else now"):
        checks[0]()
