"""Whoever interrupts the generator is heard, whatever it is at."""

import signal
import time
from collections.abc import Iterator
from types import FrameType

import numpy as np
import pytest

from ops.generating.writing import instants

FROM_MS = 1_767_225_600_000
# So long that it can be interrupted in every part of it.
TIMES_MS = np.arange(FROM_MS, FROM_MS + 200_000)


@pytest.fixture
def _alarm() -> Iterator[None]:
    def ring(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, ring)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_times_are_written_as_the_clock_says_them() -> None:
    assert instants(TIMES_MS[:2]) == [b"2026-01-01T00:00:00.000Z", b"2026-01-01T00:00:00.001Z"]
    assert instants(TIMES_MS[:0]) == []


@pytest.mark.usefixtures("_alarm")
def test_no_interruption_is_lost_while_times_are_written() -> None:
    began = time.monotonic()
    instants(TIMES_MS)
    whole_s = time.monotonic() - began
    for tenth in range(1, 10):
        with pytest.raises(KeyboardInterrupt):
            _write_until_rung(whole_s * tenth / 10)


def _write_until_rung(after_s: float) -> None:
    signal.setitimer(signal.ITIMER_REAL, after_s)
    while signal.getitimer(signal.ITIMER_REAL)[0]:
        instants(TIMES_MS)
    pytest.fail(f"rung after {after_s:.3f} s, and nobody heard it")
