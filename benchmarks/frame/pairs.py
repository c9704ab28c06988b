"""A held against others: alternating, the first round thrown away, the baseline before every measurement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks.frame.baseline import Probe, Steady
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Cost, Pair

PAIRS_MIN = 7


@dataclass(frozen=True, slots=True)
class Side:
    """One of those compared. `before` makes ready, unmeasured; `work` does it and says what it cost."""

    name: str
    work: Callable[[], Cost]
    before: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Rival:
    """What A is held against, and what their comparison is called."""

    key: str
    name: str
    side: Side
    target: float | None = None
    gates: bool = False
    note: str = ""


def take_pairs(
    a: Side, others: Sequence[Side], *, pairs: int, steady: Steady, say: Callable[[str], None]
) -> list[list[Pair]]:
    """So many pairs of A with each of the others, in that order.

    A is measured once a round and belongs to each pair of it; the rounds go ABC CBA ABC …, after one that
    warms all up and is forgotten.

    Raises Noisy when too many had to be taken again, BenchFailed when a side measured nothing.
    """
    if pairs < PAIRS_MIN:
        raise BenchFailed(f"{pairs} pairs are too few to be believed; take at least {PAIRS_MIN}")
    sides = [a, *others]
    for side in sides:
        say(f"{side.name}: warming up")
        _cost(side, lambda: 0.0)
    taken: list[list[Pair]] = [[] for _ in others]
    for number in range(pairs):
        costs = steady.take(partial(_round, sides, number % 2 == 1))
        said = (
            f"{s.name} {c.wall_s:.3g} s ({c.cpu_total_s:.3g} s CPU){f' for {c.units:,}' * (c.units != 1)}"
            for s, (c, _) in zip(sides, costs, strict=True)
        )
        say(f"pair {number + 1}/{pairs}: {', '.join(said)}")
        of_a, before_a = costs[0]
        for pairs_of_one, (of_b, before_b) in zip(taken, costs[1:], strict=True):
            pairs_of_one.append(Pair(a=of_a, b=of_b, baseline_s=[before_a, before_b]))
    return taken


def _round(sides: Sequence[Side], backwards: bool, probe: Probe) -> list[tuple[Cost, float]]:
    """What each side cost and the baseline before it, in the order of `sides` whichever began."""
    order = sides[::-1] if backwards else sides
    costs = [_cost(side, probe) for side in order]
    return costs[::-1] if backwards else costs


def _cost(side: Side, probe: Probe) -> tuple[Cost, float]:
    if side.before is not None:
        side.before()
    baseline_s = probe()
    cost = side.work()
    if cost.wall_s <= 0 or cost.cpu_total_s <= 0 or cost.units <= 0:
        raise BenchFailed(f"{side.name} measured nothing: {cost.units} units in {cost.wall_s:g} s")
    return cost, baseline_s
