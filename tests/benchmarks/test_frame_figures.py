"""Every median, percentile, spread and ratio anybody prints is worked out from the samples, here."""

import pytest

from benchmarks.frame.figures import Baseline, Comparison, Cost, Figure, Pair, Target, quantile


@pytest.mark.parametrize(
    ("samples", "share", "expected"),
    [
        ([5.0], 0.95, 5.0),
        ([3.0, 1.0, 2.0], 0.5, 2.0),
        ([4.0, 3.0, 2.0, 1.0], 0.5, 2.0),
        ([float(each) for each in range(1, 101)], 0.95, 95.0),
        ([float(each) for each in range(1, 101)], 0.951, 96.0),
        ([2.0, 1.0], 0.0, 1.0),
        ([2.0, 1.0], 1.0, 2.0),
    ],
)
def test_a_quantile_is_a_sample_that_was_taken(samples: list[float], share: float, expected: float) -> None:
    assert quantile(samples, share) == expected


def test_a_figure_says_its_middle_and_how_far_it_spreads() -> None:
    figure = Figure(key="k", name="n", unit="s", samples=[4.0, 2.0, 3.0])
    assert (figure.median, figure.p95) == (3.0, 4.0)
    assert figure.spread == pytest.approx(2 / 3)
    assert figure.reached is None


@pytest.mark.parametrize(
    ("better", "limit", "reached"),
    [("lower", 3.0, True), ("lower", 2.9, False), ("higher", 3.0, True), ("higher", 3.1, False)],
)
def test_a_figure_reaches_its_target_by_its_median(better: str, limit: float, reached: bool) -> None:
    figure = Figure(
        key="k", name="n", unit="x", samples=[1.0, 3.0, 9.0], better=better, target=Target(limit=limit)
    )
    assert figure.reached is reached


def pair(a_cpu_s: float, b_cpu_s: float, *, a_wall_s: float = 1, b_wall_s: float = 1, units: int = 1) -> Pair:
    return Pair(
        a=Cost(wall_s=a_wall_s, cpu_s={"one": a_cpu_s / 2, "two": a_cpu_s / 2}, units=units),
        b=Cost(wall_s=b_wall_s, cpu_s={"b": b_cpu_s}),
        baseline_s=[1.0, 1.0],
    )


def test_the_ratio_is_the_median_of_the_pairs_own_ratios() -> None:
    # Their medians alone would say 2 / 4; what belongs together is divided together.
    pairs = [pair(1.0, 4.0), pair(2.0, 2.0), pair(6.0, 5.0)]
    held = Comparison(key="k", name="n", a="A", b="B", unit="row", pairs=pairs)
    assert held.cpu_ratios == pytest.approx([0.25, 1.0, 1.2])
    assert held.cpu_ratio == held.ratio == 1.0


def test_a_ratio_is_of_the_cost_by_unit() -> None:
    held = Comparison(
        key="k",
        name="n",
        a="A",
        b="B",
        unit="row",
        measure="wall",
        pairs=[pair(8.0, 1.0, a_wall_s=6.0, b_wall_s=3.0, units=4)],
        target=Target(limit=0.5, gates=True),
    )
    assert (held.cpu_ratio, held.wall_ratio, held.ratio) == (2.0, 0.5, 0.5)
    assert held.reached is True


def test_the_target_is_held_against_what_the_comparison_measures() -> None:
    by = {
        measure: Comparison(
            key="k",
            name="n",
            a="A",
            b="B",
            unit="row",
            measure=measure,
            pairs=[pair(1.0, 2.0, a_wall_s=2.0)],
            target=Target(limit=1.0),
        )
        for measure in ("cpu", "wall")
    }
    assert (by["cpu"].reached, by["wall"].reached) == (True, False)


def test_drift_is_the_farthest_from_the_middle() -> None:
    assert Baseline(samples_s=[1.0, 1.0, 0.7, 1.2], drift_max=0.25).drift == pytest.approx(0.3)
    assert Baseline(samples_s=[], drift_max=0.25).drift == 0.0
