"""The ids stored last, exactly: a copy that comes minutes later is known without a look.

A table in which each id has one place and a newer one takes it. Forgetting is never wrong: what is not known
here is asked for.
"""

import numpy as np

from etl.filter import mixed
from etl.packed import HIGH, LOW, PACKED_BYTES, Ids, Mask, Places


class Recent:
    """Not safe to share between threads."""

    def __init__(self, *, bytes_max: int) -> None:
        self._places = np.uint64(bytes_max // PACKED_BYTES)
        # All zeros is the nil id, which is thereby known only once it was added.
        self._table = np.zeros((int(self._places), 2), dtype=np.uint64)
        self._taken = np.zeros(int(self._places), dtype=np.bool_)

    @property
    def bytes_held(self) -> int:
        """Memory in use."""
        return int(self._table.nbytes + self._taken.nbytes)

    def add(self, ids: Ids) -> None:
        """Remember `ids`, until newer ones take their places."""
        if self._places:
            at = self._at(ids)
            self._table[at] = ids
            self._taken[at] = True

    def has(self, ids: Ids) -> Mask:
        """For each, whether it is remembered. True is exact."""
        if not self._places or len(ids) == 0:
            return np.zeros(len(ids), dtype=np.bool_)
        at = self._at(ids)
        there = self._table[at]
        found: Mask = (there[:, LOW] == ids[:, LOW]) & (there[:, HIGH] == ids[:, HIGH]) & self._taken[at]
        return found

    def _at(self, ids: Ids) -> Places:
        hashed = mixed(ids[:, HIGH]) ^ ids[:, LOW]
        return (mixed(hashed) % self._places).astype(np.intp)
