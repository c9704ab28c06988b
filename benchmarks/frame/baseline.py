"""How quiet the machine is: one fixed piece of work, timed by the wall before every measurement.

It copies memory on one core and hashes on every core at once, so that a neighbour shows wherever he sits.
Its memory is touched before the clock starts: on a virtual machine a fresh page costs what the host makes of
it, which is news of the host's memory and not of a neighbour. What it takes is compared with itself only: a
machine that is slow all the time is quiet.
"""

import hashlib
import os
import statistics
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from benchmarks.frame.errors import Noisy
from benchmarks.frame.figures import Baseline
from telemetry.clock import Clock

DRIFT_MAX = 0.25
CALIBRATION_SAMPLES = 5
CALIBRATIONS_MAX = 5
PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 8.0
# Together about a sixth of a second on a core of 2020.
COPY_BYTES = 40 * 2**20
COPIES = 10
HASH_BYTES = 2**20
HASHES = 200
# A machine with more cores than this has room for a neighbour.
THREADS_MAX = 8

T = TypeVar("T")
Probe = Callable[[], float]
Work = Callable[[], None]


class Moved(Exception):  # noqa: N818 - what happened; `Steady` answers it
    """The baseline just taken is too far from the others."""


class Meter:
    """Takes the baseline, and says when it moved by more than `drift_max`."""

    def __init__(
        self,
        prepare: Callable[[], Work],
        *,
        clock: Clock,
        say: Callable[[str], None],
        drift_max: float = DRIFT_MAX,
    ) -> None:
        self._prepare = prepare
        self._clock = clock
        self._drift_max = drift_max
        self._accepted: list[float] = []
        self.say = say

    def calibrate(self) -> None:
        """Find what the work takes here when nothing disturbs it. Raises Noisy when it never settles."""
        self._sample()
        for attempt in range(CALIBRATIONS_MAX):
            if attempt:
                self.pause(attempt)
            samples = [self._sample() for _ in range(CALIBRATION_SAMPLES)]
            drift = Baseline(samples_s=samples, drift_max=self._drift_max).drift
            if drift <= self._drift_max:
                self._accepted = samples
                return
            self.say(f"not quiet: the baseline work varies by {drift:.0%}")
        raise self.refusal(f"before anything was measured, {CALIBRATIONS_MAX} times in a row")

    def probe(self) -> float:
        """Take the baseline; seconds. Raises Moved when it is off."""
        sample_s = self._sample()
        usual_s = statistics.median(self._accepted)
        drift = (sample_s - usual_s) / usual_s
        if abs(drift) > self._drift_max:
            raise Moved(f"{drift:+.0%}")
        return sample_s

    def accept(self, samples_s: list[float]) -> None:
        """What was measured beside these counts."""
        self._accepted += samples_s

    def close(self) -> Baseline:
        """One last sample, and the whole series. Raises Noisy when it ends elsewhere than it began."""
        Steady(self, retakes_max=CALIBRATIONS_MAX).take(lambda probe: probe())
        series = Baseline(samples_s=list(self._accepted), drift_max=self._drift_max)
        if series.drift > self._drift_max:
            raise self.refusal("over the whole run")
        return series

    def pause(self, attempt: int) -> None:
        """Give the disturbance time to go, longer each time."""
        self._clock.sleep(min(PAUSE_FIRST_S * 2 ** (attempt - 1), PAUSE_MAX_S))

    def refusal(self, when: str) -> Noisy:
        """Why there are no figures, and what to do."""
        return Noisy(
            f"refused: the machine is not quiet, its baseline moved by more than {self._drift_max:.0%} "
            f"{when}; stop what else runs here (on a virtual machine: choose another hour) and run it again"
        )

    def _sample(self) -> float:
        work = self._prepare()
        began = self._clock.monotonic()
        work()
        return self._clock.monotonic() - began


class Steady:
    """Takes measurements, again where the baseline moved: `retakes_max` times in all, then Noisy."""

    def __init__(self, meter: Meter, *, retakes_max: int) -> None:
        self._meter = meter
        self._retakes_max = retakes_max
        self.retaken = 0

    def take(self, measure: Callable[[Probe], T]) -> T:
        """What `measure` returns. It calls the probe, the baseline in seconds, just before each work."""
        while True:
            samples_s: list[float] = []

            def probe(samples_s: list[float] = samples_s) -> float:
                samples_s.append(self._meter.probe())
                return samples_s[-1]

            try:
                taken = measure(probe)
            except Moved as moved:
                self._wait(str(moved))
            else:
                self._meter.accept(samples_s)
                return taken

    def _wait(self, drift: str) -> None:
        self.retaken += 1
        if self.retaken > self._retakes_max:
            raise self._meter.refusal(f"{self.retaken} times")
        self._meter.say(f"disturbed: the baseline moved by {drift}; taking it again")
        self._meter.pause(self.retaken)


def fixed_work() -> Work:
    """The baseline's work, made ready: the same on every machine and in every run."""
    source = b"\1" * COPY_BYTES
    target = memoryview(bytearray(source))
    threads = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, THREADS_MAX)

    def work() -> None:
        for _ in range(COPIES):
            target[:] = source
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(_hash, [source[:HASH_BYTES]] * threads))

    return work


def _hash(block: bytes) -> None:
    # Long enough that Python lets other threads run meanwhile.
    for _ in range(HASHES):
        hashlib.sha256(block).digest()
