"""What a run leaves behind: the one shape of `benchmarks/results/*.json`.

A figure keeps its samples, so that every median, percentile and spread anybody prints is worked out from
what was measured. Nothing here is ever typed in by hand; what others published stands in `published.py`.
"""

import math
import statistics
from typing import Literal

from msgspec import Struct

FORMAT = 1
# A figure in one of these is a ratio inside one run: it may gate, and it may be held against other machines.
RATIO_UNITS = ("x", "ratio", "%")


class Target(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a figure should reach. Ratios may gate a run; an absolute figure never does."""

    limit: float
    gates: bool = False


class Figure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One measured quantity, once per repetition. `key` is stable: comparisons and capacity look it up."""

    key: str
    name: str
    unit: str
    samples: list[float]
    better: Literal["lower", "higher"] = "lower"
    target: Target | None = None
    note: str = ""
    retaken: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def p95(self) -> float:
        return quantile(self.samples, 0.95)

    @property
    def spread(self) -> float:
        """How far the samples lie apart, as a share of the median: (max - min) / median."""
        return (max(self.samples) - min(self.samples)) / self.median if self.median else 0.0

    @property
    def reached(self) -> bool | None:
        """None where there is no target."""
        if self.target is None:
            return None
        return (
            self.median <= self.target.limit if self.better == "lower" else self.median >= self.target.limit
        )


class Cost(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one piece of work took: wall time, and CPU time of every process that took part, by role."""

    wall_s: float
    cpu_s: dict[str, float]
    rss_peak_bytes: dict[str, int] = {}
    units: int = 1

    @property
    def cpu_total_s(self) -> float:
        return sum(self.cpu_s.values())


class Pair(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A and B, measured one after the other; `baseline_s` is the fixed work done just before each."""

    a: Cost
    b: Cost
    baseline_s: list[float]


class Comparison(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A held against B in the same run, alternating. A ratio below 1 means A is cheaper or faster."""

    key: str
    name: str
    a: str
    b: str
    unit: str
    pairs: list[Pair]
    measure: Literal["cpu", "wall"] = "cpu"
    better: Literal["lower", "higher"] = "lower"
    target: Target | None = None
    retaken: int = 0
    note: str = ""

    @property
    def cpu_ratios(self) -> list[float]:
        """A's CPU time per unit divided by B's, pair by pair."""
        return [_per_unit(p.a, "cpu") / _per_unit(p.b, "cpu") for p in self.pairs]

    @property
    def wall_ratios(self) -> list[float]:
        """A's wall time per unit divided by B's, pair by pair."""
        return [_per_unit(p.a, "wall") / _per_unit(p.b, "wall") for p in self.pairs]

    @property
    def cpu_ratio(self) -> float:
        """The median over the pairs."""
        return statistics.median(self.cpu_ratios)

    @property
    def wall_ratio(self) -> float:
        """The median over the pairs."""
        return statistics.median(self.wall_ratios)

    @property
    def ratios(self) -> list[float]:
        """Those of what this comparison measures."""
        return self.cpu_ratios if self.measure == "cpu" else self.wall_ratios

    @property
    def ratio(self) -> float:
        """The median of what this comparison measures: what its target is held against."""
        return statistics.median(self.ratios)

    @property
    def reached(self) -> bool | None:
        """None where there is no target."""
        if self.target is None:
            return None
        return self.ratio <= self.target.limit if self.better == "lower" else self.ratio >= self.target.limit


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What had to be true of the data for the figures to count, and was: a run where it was not is void."""

    what: str
    expected: str
    found: str


class Skip(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was not run here, and why; never a figure of anything else instead."""

    what: str
    reason: str


class Hot(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a process spent its time: the share of its samples that were in this function itself."""

    function: str
    share: float


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One process of a profiled run."""

    process: str
    cpu_s: float
    busy: float
    hot: list[Hot]


class Machine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it ran. No host name, no path: enough to judge the figures, nothing to find the machine by."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    load_before: float


class Baseline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The fixed work between the measurements, in seconds; its drift says how quiet the machine was."""

    samples_s: list[float]
    drift_max: float

    @property
    def drift(self) -> float:
        """The largest deviation of a sample from the median, as a share of it."""
        if not self.samples_s:
            return 0.0
        middle = statistics.median(self.samples_s)
        return max(abs(each - middle) for each in self.samples_s) / middle


class Result(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One bench, run once, whole."""

    bench: str
    asks: str
    scale: Literal["quick", "standard", "full"]
    seed: int
    command: str
    started_at: str
    elapsed_s: float
    machine: Machine
    versions: dict[str, str]
    settings: dict[str, str]
    baseline: Baseline
    figures: list[Figure]
    comparisons: list[Comparison]
    checks: list[Check]
    skipped: list[Skip]
    profiles: list[Profile] = []
    format: int = FORMAT


def quantile(samples: list[float], share: float) -> float:
    """The smallest sample that at least `share` of them do not exceed; nothing is interpolated."""
    ordered = sorted(samples)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def _per_unit(cost: Cost, measure: str) -> float:
    return (cost.cpu_total_s if measure == "cpu" else cost.wall_s) / cost.units
