"""A clock that stands, and buckets on it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ugc_api.limiting import memory
from ugc_api.limiting.buckets import Buckets


class Standing:
    """Moves only when told."""

    def __init__(self) -> None:
        self.ns = 10**15

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.monotonic(), UTC)

    def monotonic(self) -> float:
        return self.ns / 1e9

    def sleep(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)


@pytest.fixture
def clock() -> Standing:
    return Standing()


@pytest.fixture
def make_buckets(clock: Standing) -> Callable[..., Buckets]:
    return lambda *, sets=64: Buckets(memory.own(sets=sets), clock=clock)
