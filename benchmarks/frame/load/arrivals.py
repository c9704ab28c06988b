"""When requests are due, in seconds from the start: fixed before the first is sent, by rate and seed."""

import random
from collections.abc import Iterator
from typing import Literal

Arrivals = Literal["poisson", "constant"]


def due(arrivals: Arrivals, *, rate: float, count: int, seed: int) -> Iterator[float]:
    """`count` times, `rate` a second on average.

    poisson: independent of one another, as many people are; constant: evenly spaced. Both begin after the
    first interval. Raises ValueError for a rate that is not above zero.
    """
    if rate <= 0:
        raise ValueError(f"a rate of {rate} requests a second sends nothing")
    if arrivals == "constant":
        return ((number + 1) / rate for number in range(count))
    return _poisson(rate, count, random.Random(seed))  # noqa: S311 - repeatable, not secret


def _poisson(rate: float, count: int, rng: random.Random) -> Iterator[float]:
    at_s = 0.0
    for _ in range(count):
        at_s += rng.expovariate(rate)
        yield at_s
