"""The ids stored last that tell their own time (UUIDv7), each by itself, in a fixed piece of memory.

Of what is older only the 256 ms are held in which there were any; that is as good as the ids, as long as new
events are younger. Those stored a moment ago are not: partitions that are moved side by side reach the same
256 ms one after the other. So the last ones are held whole, in two generations: when the younger is full, the
elder is given up for the times of its ids.
"""

from dataclasses import dataclass, field

import numpy as np

from etl.filter import BITS_A_KEY, Filter, Words, keys_of, tells_its_time, whole_keys_of
from etl.packed import Ids, Mask

# Of a generation's memory, the part for its ids; the rest is for their times.
IDS_SHARE = 3 / 4
TIME_BYTES = 8


@dataclass(slots=True)
class Generation:
    """Ids, and the times they tell."""

    ids: Filter
    count: int = 0
    times: list[Words] = field(default_factory=list)
    times_count: int = 0


Generations = tuple[Generation, Generation]


class Young:
    """Not safe to add to from two threads at once."""

    def __init__(self, *, bytes_max: int) -> None:
        each_bytes = bytes_max // 2
        self._words = max(1, int(each_bytes * IDS_SHARE) // 8)
        self._ids_max = int(each_bytes * IDS_SHARE) * 8 // BITS_A_KEY
        self._times_max = int(each_bytes * (1 - IDS_SHARE)) // TIME_BYTES
        self.generations: Generations = (self._empty(), self._empty())

    @property
    def bytes_held(self) -> int:
        """Memory in use."""
        return sum(each.ids.bytes_held + each.times_count * TIME_BYTES for each in self.generations)

    def add(self, ids: Ids) -> Words | None:
        """Hold those of `ids` that tell their time. Returns the keys of what is not held for it, if any."""
        timed = ids[tells_its_time(ids)]
        times = np.unique(keys_of(timed))
        if len(timed) > self._ids_max or len(times) > self._times_max:
            return times
        elder, younger = self.generations
        given_up = None
        if younger.count + len(timed) > self._ids_max or younger.times_count + len(times) > self._times_max:
            given_up = np.concatenate(elder.times) if elder.times else None
            self.generations = (younger, self._empty())
            younger = self.generations[1]
        younger.ids.add(whole_keys_of(timed))
        younger.count += len(timed)
        younger.times.append(times)
        younger.times_count += len(times)
        return given_up

    def _empty(self) -> Generation:
        return Generation(Filter(words=self._words))


def may_have(generations: Generations, ids: Ids) -> Mask:
    """False: none of them holds it."""
    keys = whole_keys_of(ids)
    found: Mask = generations[0].ids.may_have(keys) | generations[1].ids.may_have(keys)
    return found
