"""Every result there is, and the one way to look a figure up by its key.

Of a bench measured at several scales one result speaks: standard, then full, then quick. Figures of two
results are never mixed, for they may be of two machines.
"""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.frame import registry, results
from benchmarks.frame.figures import Comparison, Figure, Result
from telemetry.errors import OperatorError

SCALES = ("standard", "full", "quick")


class Unmeasured(OperatorError):  # noqa: N818 - what happened, said to a person
    """A figure is asked for that no result holds; the message says which bench to run."""


class Shelf:
    """The results, each bench by the one that speaks for it."""

    def __init__(self, found: Iterable[Result]) -> None:
        order = list(registry.BENCHES)
        self.all = sorted(
            found,
            key=lambda each: (
                order.index(each.bench) if each.bench in order else len(order),
                each.bench,
                SCALES.index(each.scale),
            ),
        )

    @classmethod
    def at(cls, directory: Path) -> "Shelf":
        """The results in `directory`. Raises ForeignResult at the first file that is none."""
        return cls(results.read_all(directory))

    def find(self, bench: str, *, scales: tuple[str, ...] = SCALES) -> Result | None:
        """The result that speaks for `bench`; None where it was not measured."""
        ran = {each.scale: each for each in self.all if each.bench == bench}
        return next((ran[scale] for scale in scales if scale in ran), None)

    def bench(self, name: str) -> Result:
        """The same, or Unmeasured."""
        found = self.find(name)
        if found is None:
            raise Unmeasured(f"bench {name} has no result; measure it: {rerun(name)}")
        return found

    def figure(self, key: str) -> Figure:
        """The figure of that key; its first word is the bench. Raises Unmeasured."""
        bench = bench_of(key)
        found = next((each for each in self.bench(bench).figures if each.key == key), None)
        if found is None:
            raise Unmeasured(f"no figure {key} in the result of bench {bench}; measure it: {rerun(bench)}")
        return found

    def comparison(self, key: str) -> Comparison:
        """The comparison of that key. Raises Unmeasured."""
        bench = bench_of(key)
        found = next((each for each in self.bench(bench).comparisons if each.key == key), None)
        if found is None:
            raise Unmeasured(
                f"no comparison {key} in the result of bench {bench}; measure it: {rerun(bench)}"
            )
        return found

    def find_figure(self, key: str) -> Figure | None:
        """The figure of that key; None where it was not measured."""
        found = self.find(bench_of(key))
        return next((each for each in found.figures if each.key == key), None) if found else None

    def find_comparison(self, key: str) -> Comparison | None:
        """The comparison of that key; None where it was not measured."""
        found = self.find(bench_of(key))
        return next((each for each in found.comparisons if each.key == key), None) if found else None


def bench_of(key: str) -> str:
    """The bench a key belongs to."""
    return key.partition(".")[0]


def rerun(bench: str) -> str:
    """The command that measures it."""
    return f"python -m benchmarks run {bench}"
