"""The pipeline's world for its tests, on told time or with real loader threads; see world.py."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from pipeline.world import World, make_record

from etl import rows
from etl.ranges import LogRecord
from etl.retry import BackOff
from telemetry.clock import SystemClock


@pytest.fixture(scope="session")
def record() -> Callable[..., Any]:
    return make_record


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def threaded() -> World:
    """A world with real time and real loader threads."""
    return World(clock=SystemClock(), back_off=BackOff(1, 20), threads=2)


@pytest.fixture(scope="session")
def by_partition() -> Callable[[Any], dict[int, list[LogRecord]]]:
    """Poll a source for a while and sort what came by partition."""

    def read(source: Any, *, count: int, within_polls: int = 400) -> dict[int, list[LogRecord]]:
        found: dict[int, list[LogRecord]] = defaultdict(list)
        for _ in range(within_polls):
            for assignment, messages in source.poll(0.05).items():
                found[assignment.partition] += [rows.whole(message) for message in messages]
            if sum(map(len, found.values())) >= count:
                break
        return dict(found)

    return read
