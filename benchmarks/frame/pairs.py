"""A held against B: alternating, the first pair thrown away, the baseline before every measurement."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from benchmarks.frame.baseline import Probe, Steady
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Cost, Pair

PAIRS_MIN = 7


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two. `before` makes ready and is not measured; `work` does it and says what it cost."""

    name: str
    work: Callable[[], Cost]
    before: Callable[[], None] | None = None


def take_pairs(a: Side, b: Side, *, pairs: int, steady: Steady, say: Callable[[str], None]) -> list[Pair]:
    """So many pairs, in the order AB BA AB …, after one that warms both up and is forgotten.

    Raises Noisy when too many had to be taken again, BenchFailed when a side measured nothing.
    """
    if pairs < PAIRS_MIN:
        raise BenchFailed(f"{pairs} pairs are too few to be believed; take at least {PAIRS_MIN}")
    for side in (a, b):
        say(f"{side.name}: warming up")
        _cost(side, lambda: 0.0)
    taken = []
    for number in range(pairs):
        pair = steady.take(partial(_pair, a, b, number % 2 == 0))
        taken.append(pair)
        say(
            f"pair {number + 1}/{pairs}: {a.name} {pair.a.wall_s:.3g} s ({pair.a.cpu_total_s:.3g} s CPU), "
            f"{b.name} {pair.b.wall_s:.3g} s ({pair.b.cpu_total_s:.3g} s CPU)"
        )
    return taken


def _pair(a: Side, b: Side, a_first: bool, probe: Probe) -> Pair:
    if a_first:
        (of_a, before_a), (of_b, before_b) = _cost(a, probe), _cost(b, probe)
    else:
        (of_b, before_b), (of_a, before_a) = _cost(b, probe), _cost(a, probe)
    return Pair(a=of_a, b=of_b, baseline_s=[before_a, before_b])


def _cost(side: Side, probe: Probe) -> tuple[Cost, float]:
    if side.before is not None:
        side.before()
    baseline_s = probe()
    cost = side.work()
    if cost.wall_s <= 0 or cost.cpu_total_s <= 0 or cost.units <= 0:
        raise BenchFailed(f"{side.name} measured nothing: {cost.units} units in {cost.wall_s:g} s")
    return cost, baseline_s
