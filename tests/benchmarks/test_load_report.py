"""Percentiles, arrivals and the refusals: arithmetic, no server."""

import math
from itertools import pairwise

import pytest

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.load.apart import split
from benchmarks.frame.load.arrivals import due
from benchmarks.frame.load.driving import Load
from benchmarks.frame.load.report import (
    BUSY_MAX,
    LATE_MAX_S,
    Report,
    merged,
    quantile_of,
    require_all_answered,
    require_kept_up,
)


def report(**changes: object) -> Report:
    """A hundred requests of 1 to 100 ms, all answered."""
    whole: dict[str, object] = {
        "kind": "open",
        "sent": 100,
        "wall_s": 10.0,
        "cpu_s": 1.0,
        "latencies_s": [number / 1000 for number in range(1, 101)],
        "late_s": [0.0001] * 100,
        "statuses": {202: 100},
        "failures": {},
        "connections": 4,
        "total": 100,
        **changes,
    }
    return Report(**whole)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("share", "expected_ms"), [(0.5, 50), (0.501, 51), (0.9, 90), (0.99, 99), (0.999, 100), (1, 100)]
)
def test_a_quantile_is_a_latency_that_was_measured(share: float, expected_ms: int) -> None:
    assert report().quantile_s(share) == expected_ms / 1000


def test_a_quantile_does_not_depend_on_the_order_of_the_answers() -> None:
    assert quantile_of([3.0, 1.0, 2.0], 0.5, of=3) == 2.0


def test_a_failed_request_is_one_that_never_came_back() -> None:
    # Two of a hundred failed at once: the 98 others were quick, and yet the slowest percent is endless.
    quick = report(latencies_s=[0.001] * 98, statuses={202: 98, 503: 2})
    assert quick.quantile_s(0.98) == 0.001
    assert quick.quantile_s(0.99) == math.inf
    assert (quick.ok, quick.failed) == (98, 2)


@pytest.mark.parametrize(("share", "of"), [(0.0, 3), (1.1, 3), (0.5, 0)])
def test_a_quantile_of_nothing_is_none(share: float, of: int) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        quantile_of([1.0], share, of=of)


def test_constant_arrivals_are_evenly_spaced() -> None:
    assert list(due("constant", rate=4, count=4, seed=1)) == [0.25, 0.5, 0.75, 1.0]


def test_poisson_arrivals_follow_the_seed_and_the_rate() -> None:
    first, again, other = (list(due("poisson", rate=50, count=20_000, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    assert first == sorted(first)
    assert first[-1] == pytest.approx(20_000 / 50, rel=0.03)
    gaps = [after - before for before, after in pairwise(first)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    # Of exponential gaps the deviation is the mean; of evenly spaced ones it would be nothing.
    assert deviation == pytest.approx(mean, rel=0.05)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="sends nothing"):
        due("poisson", rate=0, count=1, seed=1)


def test_reports_that_ran_side_by_side_become_one() -> None:
    both = merged([report(), report(failures={"reset": 1}, statuses={202: 99}, sent=100)])
    assert (both.sent, both.ok, both.total) == (200, 200, 200)
    assert both.statuses == {202: 199}
    assert both.failures == {"reset": 1}
    assert both.wall_s == 10.0
    assert both.rate == 20.0
    assert both.busy == pytest.approx(0.2)


def test_a_generator_that_kept_up_is_believed() -> None:
    require_kept_up(report(late_s=[LATE_MAX_S * 3] + [0.0] * 99))
    require_kept_up(report(cpu_s=10 * BUSY_MAX))


def test_a_generator_that_sent_late_is_refused() -> None:
    with pytest.raises(BenchFailed, match="could not keep its schedule"):
        require_kept_up(report(late_s=[LATE_MAX_S * 3] * 2 + [0.0] * 98))


def test_a_generator_without_time_left_is_refused() -> None:
    with pytest.raises(BenchFailed, match="busy 95% of a core"):
        require_kept_up(report(cpu_s=9.5))


def test_the_share_of_a_moment_says_nothing() -> None:
    require_kept_up(report(wall_s=0.01, cpu_s=0.01))


def test_requests_that_failed_are_told_with_what_the_server_said() -> None:
    require_all_answered(report())
    failed = report(
        latencies_s=[0.1] * 97,
        statuses={202: 97, 429: 2},
        failures={"timeout": 1},
        first_bad_answer="429 slower",
    )
    with pytest.raises(BenchFailed, match=r"3 of 100 .*429: 2.*timeout.*429 slower"):
        require_all_answered(failed)


def test_a_load_is_split_without_losing_a_request() -> None:
    load = Load(
        host="127.0.0.1",
        port=1,
        requests=[b"%d" % number for number in range(7)],
        kind="open",
        connections=6,
        rate=30.0,
        seed=5,
    )
    parts = split(load, 3)
    assert sorted(request for part in parts for request in part.requests) == load.requests
    assert [part.rate for part in parts] == [10.0] * 3
    assert [part.connections for part in parts] == [2] * 3
    assert len({part.seed for part in parts}) == 3
    assert split(load, 1) == [load]
