"""What a bench is, and what it is given: the one place where figures, checks and refusals come together."""

import math
import re
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from benchmarks.frame.baseline import Meter, Steady
from benchmarks.frame.errors import BenchFailed, Noisy, Void
from benchmarks.frame.figures import (
    RATIO_UNITS,
    Check,
    Comparison,
    Cost,
    Figure,
    Profile,
    Skip,
    Target,
)
from benchmarks.frame.pairs import PAIRS_MIN, Rival, Side, take_pairs
from benchmarks.frame.processes import Watch
from telemetry.clock import Clock

__all__ = ["Bench", "BenchFailed", "Noisy", "Rival", "Scale", "Session", "Side", "Void"]

Scale = Literal["quick", "standard", "full"]
Better = Literal["lower", "higher"]
REPEATS_MIN = 5

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Bench:
    """One question, and the work that answers it in figures."""

    name: str
    asks: str
    run: "Callable[[Session], None]"
    # What its scratch directory may grow to; a run is not begun where that does not fit.
    disk_bytes: Mapping[Scale, int] = field(default_factory=dict)


class Session:
    """One run of one bench. What it is told is kept in the order it was told; keys begin with its name.

    Whatever is handed to `keep` is left, the last first, when the bench ends, also by Ctrl-C.
    """

    def __init__(  # noqa: PLR0913 - what a bench may rely on, each by its name
        self,
        *,
        bench: str,
        scale: Scale,
        seed: int,
        scratch: Path,
        clock: Clock,
        meter: Meter,
        say: Callable[[str], None],
    ) -> None:
        self.bench = bench
        self.scale: Scale = scale
        self.seed = seed
        self.scratch = scratch
        self.clock = clock
        self.say = say
        self.figures: list[Figure] = []
        self.comparisons: list[Comparison] = []
        self.checks: list[Check] = []
        self.skipped: list[Skip] = []
        self.profiles: list[Profile] = []
        self.settings: dict[str, str] = {}
        self.versions: dict[str, str] = {}
        self._meter = meter
        self._kept = ExitStack()

    def pick(self, *, quick: T, standard: T, full: T) -> T:
        """The one of the three that belongs to this run's scale."""
        return {"quick": quick, "standard": standard, "full": full}[self.scale]

    def keep(self, resource: AbstractContextManager[T]) -> T:
        """Enter `resource` now and leave it when the bench ends, however it ends."""
        return self._kept.enter_context(resource)

    def watch(self, roles: Mapping[str, int] | None = None) -> Watch:
        """Measures wall, CPU and memory of the work inside; see processes.Watch."""
        return Watch(roles or {}, clock=self.clock)

    def figure(  # noqa: PLR0913 - a figure is these
        self,
        key: str,
        name: str,
        unit: str,
        samples: list[float],
        *,
        better: Better = "lower",
        target: float | None = None,
        gates: bool = False,
        note: str = "",
        retaken: int = 0,
    ) -> Figure:
        """Note what the bench measured itself. Only a figure in one of RATIO_UNITS may gate."""
        if gates and unit not in RATIO_UNITS:
            raise BenchFailed(f"{key}: an absolute figure ({unit}) never gates a run, only a ratio does")
        if not samples or not all(math.isfinite(each) for each in samples):
            raise BenchFailed(f"{key}: not every sample is a number: {samples}")
        self._refuse_bad_key(key)
        figure = Figure(
            key=key,
            name=name,
            unit=unit,
            samples=[float(each) for each in samples],
            better=better,
            target=None if target is None else Target(limit=target, gates=gates),
            note=note,
            retaken=retaken,
        )
        self.figures.append(figure)
        return figure

    def repeat(  # noqa: PLR0913
        self,
        key: str,
        name: str,
        unit: str,
        work: Callable[[], float],
        *,
        times: int = REPEATS_MIN,
        before: Callable[[], None] | None = None,
        warm_up: bool = True,
        better: Better = "lower",
        target: float | None = None,
        gates: bool = False,
        note: str = "",
    ) -> Figure:
        """A figure out of `work`'s answers, each with the baseline before it; `before` is not measured.

        Raises Noisy when more than `times` had to be taken again.
        """
        if times < REPEATS_MIN:
            raise BenchFailed(f"{key}: {times} repetitions are too few; take at least {REPEATS_MIN}")
        self._refuse_bad_key(key)
        steady = Steady(self._meter, retakes_max=times)
        ready = before or (lambda: None)
        if warm_up:
            ready()
            work()

        def once(probe: Callable[[], float]) -> float:
            ready()
            probe()
            return work()

        samples = [steady.take(once) for _ in range(times)]
        self.say(f"{name}: {', '.join(f'{each:.4g}' for each in samples)} {unit}")
        return self.figure(
            key,
            name,
            unit,
            samples,
            better=better,
            target=target,
            gates=gates,
            note=note,
            retaken=steady.retaken,
        )

    def steady(self, work: Callable[[], T]) -> T:
        """One long piece of work begun on a quiet machine. Raises Noisy when it does not get quiet."""

        def once(probe: Callable[[], float]) -> T:
            probe()
            return work()

        return Steady(self._meter, retakes_max=REPEATS_MIN).take(once)

    def compare(  # noqa: PLR0913
        self,
        key: str,
        name: str,
        *,
        a: Side,
        b: Side,
        unit: str,
        pairs: int = PAIRS_MIN,
        measure: Literal["cpu", "wall"] = "cpu",
        better: Better = "lower",
        target: float | None = None,
        gates: bool = False,
        note: str = "",
    ) -> Comparison:
        """A held against B, alternating; the ratio is A's cost by unit of work divided by B's.

        Raises Noisy when more than `pairs` had to be taken again.
        """
        rival = Rival(key, name, b, target=target, gates=gates, note=note)
        return self.compare_all(a, [rival], unit=unit, pairs=pairs, measure=measure, better=better)[0]

    def compare_all(  # noqa: PLR0913
        self,
        a: Side,
        rivals: Sequence[Rival],
        *,
        unit: str,
        pairs: int = PAIRS_MIN,
        measure: Literal["cpu", "wall"] = "cpu",
        better: Better = "lower",
    ) -> list[Comparison]:
        """A held against each of the rivals, all in the same rounds: A is measured once for all of them."""
        for number, rival in enumerate(rivals):
            self._refuse_bad_key(rival.key, beside={each.key for each in rivals[:number]})
            self.say(f"{rival.name}: {a.name} against {rival.side.name}")
        steady = Steady(self._meter, retakes_max=pairs)
        sides = [rival.side for rival in rivals]
        taken = take_pairs(a, sides, pairs=pairs, steady=steady, say=self.say)
        compared = [
            Comparison(
                key=rival.key,
                name=rival.name,
                a=a.name,
                b=rival.side.name,
                unit=unit,
                pairs=of_rival,
                measure=measure,
                better=better,
                target=None if rival.target is None else Target(limit=rival.target, gates=rival.gates),
                retaken=steady.retaken,
                note=rival.note,
            )
            for rival, of_rival in zip(rivals, taken, strict=True)
        ]
        self.comparisons += compared
        return compared

    def check(self, what: str, expected: Any, found: Any, *, within: float = 0.0) -> None:
        """What must be true for the figures to count. `within` is a relative tolerance, for sums of floats.

        Raises Void when it is not.
        """
        same = math.isclose(expected, found, rel_tol=within) if within else expected == found
        if not same:
            raise Void(f"void: {what} should be {expected} and is {found}; nothing of this run counts")
        self.checks.append(Check(what=what, expected=str(expected), found=str(found)))

    def skip(self, what: str, reason: str) -> None:
        """What was not run here, and why."""
        self.say(f"skipped: {what}: {reason}")
        self.skipped.append(Skip(what=what, reason=reason))

    def setting(self, name: str, value: object) -> None:
        """What this run was set to, that a reader needs to judge or repeat it."""
        self.settings[name] = str(value)

    def version(self, name: str, value: object) -> None:
        """What it was measured with, as that thing itself says it."""
        self.versions[name] = str(value)

    def profile(self, profile: Profile) -> None:
        """Where a process spent its time."""
        self.profiles.append(profile)

    def need_disk(self, bytes_needed: int, what_for: str) -> None:
        """Raise BenchFailed where the scratch directory's disk has less."""
        refuse_full_disk(self.scratch, bytes_needed, what_for)

    def close(self) -> None:
        """Leave everything that was kept."""
        self._kept.close()

    def _refuse_bad_key(self, key: str, *, beside: Collection[str] = ()) -> None:
        """Reports and comparisons find a figure by its key, and its bench by the key's first word."""
        if not re.fullmatch(rf"{re.escape(self.bench)}(\.[a-z0-9_]+)+", key):
            raise BenchFailed(f"the key {key} is not {self.bench}.word[.word…] in lower case")
        if key in {figure.key for figure in self.figures} | {each.key for each in self.comparisons} | {
            *beside
        }:
            raise BenchFailed(f"the key {key} was used twice; every figure has its own")


def refuse_full_disk(directory: Path, bytes_needed: int, what_for: str) -> None:
    """Raise BenchFailed, naming what is needed, where the disk of `directory` has less free."""
    free = shutil.disk_usage(directory).free
    if free < bytes_needed:
        raise BenchFailed(
            f"{what_for} needs {bytes_needed / 2**30:.1f} GiB of scratch and {directory} has "
            f"{free / 2**30:.1f} free; free some space or set TMPDIR to a larger disk"
        )


def cost_per_unit(cost: Cost) -> float:
    """CPU microseconds of all roles by unit of work."""
    return cost.cpu_total_s / cost.units * 1e6
