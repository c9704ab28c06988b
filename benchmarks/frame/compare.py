"""Two results of the same bench: what changed, and whether by more than the runs themselves vary.

Ratios were taken inside one run and may be held against any machine's. Absolute figures of different
machines are never held against each other.
"""

import statistics
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from benchmarks.frame.figures import RATIO_UNITS, Result
from benchmarks.frame.machine import same_machine
from telemetry.errors import OperatorError

# Fewer samples than this have no spread worth the name.
SAMPLES_MIN = 3


class NotComparable(OperatorError):  # noqa: N818 - what happened, said to a person
    """The two results answer different questions; the message says which."""


class Change(Struct, frozen=True, kw_only=True):
    """One figure or ratio then and now. `beyond` is None where there are too few samples to tell."""

    key: str
    name: str
    unit: str
    old: float
    new: float
    change: float | None
    beyond: bool | None
    verdict: Literal["better", "worse", "within the spread", "too few samples"]


class Changes(Struct, frozen=True, kw_only=True):
    """All that can be said of two results."""

    bench: str
    scale: str
    old_at: str
    new_at: str
    same_machine: bool
    left_out: list[str]
    changes: list[Change]
    only_old: list[str]
    only_new: list[str]
    conditions: dict[str, tuple[str, str]]


class _Series(Struct, frozen=True):
    """What can be compared: a figure's samples, or the ratios of a comparison's pairs."""

    name: str
    unit: str
    better: Literal["lower", "higher"]
    samples: list[float]
    is_ratio: bool


def compare(old: Result, new: Result) -> Changes:
    """Key by key, `new` held against `old`. Raises NotComparable for another bench, scale or seed."""
    for what in ("bench", "scale", "seed"):
        before, after = getattr(old, what), getattr(new, what)
        if before != after:
            raise NotComparable(f"not comparable: the {what} is {before} in one and {after} in the other")
    same = same_machine(old.machine, new.machine)
    before_by_key, after_by_key = dict(_series(old)), dict(_series(new))
    both = [key for key in after_by_key if key in before_by_key]
    comparable = [key for key in both if same or after_by_key[key].is_ratio]
    return Changes(
        bench=new.bench,
        scale=new.scale,
        old_at=old.started_at,
        new_at=new.started_at,
        same_machine=same,
        left_out=[key for key in both if key not in comparable],
        changes=[_change(key, before_by_key[key], after_by_key[key]) for key in comparable],
        only_old=[key for key in before_by_key if key not in after_by_key],
        only_new=[key for key in after_by_key if key not in before_by_key],
        conditions=dict(_conditions(old, new)),
    )


def _series(result: Result) -> Iterator[tuple[str, _Series]]:
    for figure in result.figures:
        is_ratio = figure.unit in RATIO_UNITS
        yield figure.key, _Series(figure.name, figure.unit, figure.better, figure.samples, is_ratio)
    for each in result.comparisons:
        name = f"{each.name}: {each.a} / {each.b}, {each.measure}"
        yield each.key, _Series(name, "x", each.better, each.ratios, True)


def _change(key: str, old: _Series, new: _Series) -> Change:
    before, after = statistics.median(old.samples), statistics.median(new.samples)
    beyond = _beyond(old.samples, new.samples)
    improved = after < before if new.better == "lower" else after > before
    return Change(
        key=key,
        name=new.name,
        unit=new.unit,
        old=before,
        new=after,
        change=(after - before) / before if before else None,
        beyond=beyond,
        verdict="too few samples"
        if beyond is None
        else ("better" if improved else "worse")
        if beyond
        else "within the spread",
    )


def _beyond(old: list[float], new: list[float]) -> bool | None:
    """Whether each run's median lies outside of everything the other run measured."""
    if min(len(old), len(new)) < SAMPLES_MIN:
        return None
    return not _spans(old, statistics.median(new)) and not _spans(new, statistics.median(old))


def _spans(samples: list[float], value: float) -> bool:
    return min(samples) <= value <= max(samples)


def _conditions(old: Result, new: Result) -> Iterator[tuple[str, tuple[str, str]]]:
    """What else differs: machine, versions, settings."""
    machine_then, machine_now = _machine(old), _machine(new)
    pairs = {name: (machine_then[name], machine_now[name]) for name in machine_now}
    for then, now in ((old.versions, new.versions), (old.settings, new.settings)):
        pairs |= {name: (then.get(name, "-"), now.get(name, "-")) for name in {**then, **now}}
    for name, (before, after) in pairs.items():
        if before != after:
            yield name, (before, after)


def _machine(result: Result) -> dict[str, str]:
    machine = result.machine
    return {
        "cpu": machine.cpu,
        "cores": str(machine.cores),
        "memory, GiB": f"{machine.memory_gib:g}",
        "system": machine.system,
    }
