"""The baseline says how quiet it is: before the run, between the measurements, and over the whole of it."""

import pytest

from benchmarks.frame.baseline import CALIBRATION_SAMPLES, CALIBRATIONS_MAX, Meter, fixed_work
from benchmarks.frame.errors import Noisy
from telemetry.clock import SystemClock

ROUND = [1.0] * CALIBRATION_SAMPLES


def test_the_first_sample_warms_up_and_is_forgotten(machine: object) -> None:
    machine.script = iter([9.0])
    assert machine.meter().close().samples_s == [*ROUND, 1.0]


def test_a_restless_start_is_waited_for(machine: object) -> None:
    machine.script = iter([1.0, *ROUND[1:], 2.0])
    assert machine.meter().close().drift == 0.0
    assert machine.clock.slept == [1.0]
    assert "varies by 100%" in machine.said[0]


def test_a_start_that_stays_restless_is_refused(machine: object) -> None:
    machine.script = iter([1.0, *([*ROUND[1:], 2.0] * CALIBRATIONS_MAX)])
    with pytest.raises(Noisy, match="before anything was measured, 5 times"):
        machine.meter()
    assert machine.clock.slept == [1.0, 2.0, 4.0, 8.0], "no waiting for an attempt that does not follow"


def test_the_end_is_looked_at_too(machine: object) -> None:
    meter = machine.meter()
    machine.script = iter([2.0] * 100)
    with pytest.raises(Noisy, match="refused"):
        meter.close()


def test_a_slow_slide_is_seen_over_the_whole_run(machine: object) -> None:
    meter = machine.meter()
    # Each is within a quarter of the middle so far; together they went too far from it.
    meter.accept([1.0, 1.2, 1.24, 1.4, 1.5, 1.5, 1.5])
    machine.script = iter([1.5])
    with pytest.raises(Noisy, match="over the whole run"):
        meter.close()


def test_a_disturbed_sample_is_not_in_the_series(session: object, machine: object) -> None:
    machine.script = iter([1.0, 3.0])
    session.repeat("trial.k", "n", "s", lambda: 1.0, warm_up=False)
    assert max(session._meter.close().samples_s) == pytest.approx(1.0)


def test_the_real_work_can_be_timed() -> None:
    clock = SystemClock()
    began = clock.monotonic()
    Meter(fixed_work, clock=clock, say=lambda _: None)._sample()
    assert 0.005 < clock.monotonic() - began < 30
