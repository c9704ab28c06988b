"""A process that stood still stores nothing before the group has said that its partitions are still ours."""

import threading
import time
from typing import Any

import pytest
from pipeline.world import World

from etl.mending import Tokens
from etl.retry import BackOff

SESSION_S = 10


@pytest.fixture
def halting() -> Any:
    """A world whose time the test moves, with real loader threads."""
    return World(threads=2, back_off=BackOff(1, 20), sure_for_s=SESSION_S / 2)


def everything_once(world: Any, numbers: range) -> bool:
    return world.each_once() and len(world.store.rows) == len(numbers)


def drain(world: Any, process: Any) -> None:
    """As the world's own, with patience for the threads: its time does not pass by itself."""
    ends = time.monotonic() + 30
    while any(len(r) > world.log.committed.get(n, 0) for n, r in world.log.records.items()):
        assert time.monotonic() < ends, "the log does not drain"
        process.pipeline.run_once()
        world.clock.sleep(0.01)
        time.sleep(0.001)


def test_one_that_was_frozen_stores_nothing_once_its_successor_has(halting: Any, record: Any) -> None:
    """Not even when the warehouse has long forgotten the tokens that would have kept it out."""
    for number in range(6):
        halting.log.send(record(number))
    first = halting.process()
    stored = halting.store.stored
    asking, go_on = threading.Event(), threading.Event()

    def freeze_with_the_answer(*of: Any, **how: Any) -> Any:
        found = stored(*of, **how)
        asking.set()
        assert go_on.wait(30)
        return found

    halting.store.stored = freeze_with_the_answer
    while not asking.is_set():
        first.pipeline.run_once()
    halting.store.stored = stored
    halting.clock.sleep(6 * SESSION_S)
    first.source.die()
    second = halting.process()
    drain(halting, second)
    halting.store.tokens.clear()
    halting.store.tokens_counted.clear()
    moved = dict(halting.store.moved)

    go_on.set()  # its loaders wake first
    time.sleep(0.2)
    assert everything_once(halting, range(6))
    for _ in range(20):
        first.pipeline.run_once()
    for each in (first, second):
        each.loaders.close()
    assert everything_once(halting, range(6))
    assert halting.store.moved == moved, "the ledger says what the successor did"


def test_what_takes_long_goes_on_because_the_group_is_asked_meanwhile(halting: Any, record: Any) -> None:
    halting.log.send(record(1))
    process = halting.process()
    insert = halting.store.insert
    inserting, answered = threading.Event(), threading.Event()

    def slow(*of: Any, **how: Any) -> None:
        inserting.set()
        assert answered.wait(30)
        insert(*of, **how)

    halting.store.insert = slow
    while not inserting.is_set():
        process.pipeline.run_once()
    for _ in range(30):
        halting.clock.sleep(1)
        process.pipeline.run_once()
    answered.set()
    drain(halting, process)
    process.loaders.close()
    assert everything_once(halting, range(1))
    assert halting.value("ugc_etl_retries_total", step="ledger") == 0
    assert halting.faults.seen.count("after commit") > 10


def test_whoever_mends_a_range_begins_with_the_same_names() -> None:
    """In whichever round it does: one of two that feed a target at last is dropped by its token."""
    early, late = Tokens("T"), Tokens("T")
    late.next("events_raw")
    assert early.next("events_by_quarter_hour") == late.next("events_by_quarter_hour")
    assert Tokens("T").next("events_raw") == "T", "the name of the insert that may still come"
    names = Tokens("T")
    used = [names.next(table) for _ in range(5) for table in ("events_raw", "event_ids")]
    assert len(set(used)) == len(used)
    assert set(used) <= set(names.all)
