"""Events as they happen: the same people, now."""

import random
from dataclasses import dataclass, field

import numpy as np

from ops.generating.chance import draw
from ops.generating.moments import Columns
from ops.generating.people import People
from ops.generating.writing import Chunk, written

# So many are there at once, and one event in eight is somebody's who has just come.
PRESENT_MAX = 40
NEWCOMER_ONE_IN = 8
_BITS = 64


@dataclass(slots=True)
class _Visit:
    user: int
    key: int
    events: int = 0


@dataclass(slots=True)
class Live:
    """`a_second` events on average, at random moments from `since_ms` on; each is told once.

    `seed` makes who comes and what he does; another `since_ms` makes other events.
    """

    crowd: People
    a_second: float
    since_ms: int
    _rng: random.Random = field(init=False)
    _next_ms: float = field(init=False)
    _present: list[_Visit] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(f"{self.crowd.seed} {self.since_ms}")  # noqa: S311 - repeatable
        self._next_ms = float(self.since_ms)
        self._wait()

    def until(self, now_ms: int) -> Chunk | None:
        """What has happened up to now and was not told yet; None when nothing has."""
        happened = []
        while self._next_ms <= now_ms:
            visit = self._visit()
            happened.append((int(self._next_ms), visit.user, visit.key, visit.events))
            visit.events += 1
            self._wait()
        if not happened:
            return None
        at_ms, user, key, place = (
            np.array(column, dtype=np.uint64) for column in zip(*happened, strict=True)
        )
        at = at_ms.astype(np.int64)
        bits = draw(self.crowd.seed, "live", key, place)
        copies = np.zeros(len(at), np.bool_)
        users, places = user.astype(np.int64), place.astype(np.int64)
        return written(self.crowd.seed, Columns(at, at, users, key, places, bits, copies), self.crowd)

    def _wait(self) -> None:
        self._next_ms += self._rng.expovariate(self.a_second) * 1000

    def _visit(self) -> _Visit:
        """Whose event is next: somebody's who is there, or who comes now."""
        rng, present = self._rng, self._present
        if present and rng.randrange(NEWCOMER_ONE_IN):
            return present[rng.randrange(len(present))]
        if len(present) == PRESENT_MAX:
            present.pop(rng.randrange(len(present)))
        present.append(_Visit(rng.randrange(self.crowd.count), rng.getrandbits(_BITS)))
        return present[-1]
