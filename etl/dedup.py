"""Each id once: of a range the first, and only if none is stored yet.

All copies of an id lie in one partition, because the id is the key, and a partition has one owner; so nobody
else can store an id between this look and the insert. Of two copies the lower offset wins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from etl import conflicts
from etl.assignment import Assignment
from etl.batch import Batch
from etl.packed import LOW, Ids, pack
from etl.ports import Conflict, RowStore
from etl.ranges import Range
from etl.seen import ASKED_BEFORE_READING, Seen, in_thread


@dataclass(frozen=True, slots=True)
class Fresh:
    """The rows to store, how many were left out, and which of those say something else than the first."""

    rows: Batch
    duplicates: int
    conflicts: list[Conflict] = field(default_factory=list)


class Dedup:
    """One a process; called from its loader threads, never two at once for one assignment."""

    def __init__(
        self,
        store: RowStore,
        *,
        seen_bytes_max: int,
        asked_before_reading: int = ASKED_BEFORE_READING,
        in_background: Callable[[Callable[[], None]], None] = in_thread,
    ) -> None:
        self._store = store
        self._seen = Seen(
            store,
            bytes_max=seen_bytes_max,
            asked_before_reading=asked_before_reading,
            in_background=in_background,
        )

    def keep_new(self, assignment: Assignment, range_: Range, batch: Batch, *, redo: bool) -> Fresh:
        """The first row of each id that nobody stored; on a redo, that nobody but this very range stored.

        Returns `batch` itself when nothing is left out. Raises Refused when an id is not canonical.
        """
        if not batch.ids:
            return Fresh(batch, 0)
        ids = pack(batch.ids)
        repeated = _repeated(batch.ids, ids)
        stored = self._stored_again(range_, batch) if redo else self._stored(assignment, batch, ids)
        left_out = stored | repeated.keys()
        if not left_out:
            return Fresh(batch, 0)
        inside = {index: first for index, first in repeated.items() if first not in stored}
        found = list(conflicts.inside(range_, batch, inside))
        if with_stored := left_out - inside.keys():
            found += self._store.conflicts(range_, batch.only(with_stored))
        return Fresh(batch.without(left_out), len(left_out), found)

    def stored(self, assignment: Assignment, rows: Batch) -> None:  # noqa: ARG002 - the port's shape
        """`rows` are in the warehouse: their copies will be known."""
        if rows.ids:
            self._seen.stored(pack(rows.ids))

    def forget_ended(self) -> None:
        """Let go of what was kept for assignments that are not current."""
        self._seen.forget_ended()

    @property
    def bytes_held(self) -> int:
        """Memory in use for ids."""
        return self._seen.bytes_held

    def _stored(self, assignment: Assignment, batch: Batch, ids: Ids) -> set[int]:
        known, ask = self._seen.judge(assignment, ids)
        found = set(np.flatnonzero(known).tolist())
        asked = np.flatnonzero(ask).tolist()
        if asked:
            there = self._store.stored([batch.ids[index] for index in asked])
            if there:
                found.update(index for index in asked if batch.ids[index] in there)
        return found

    def _stored_again(self, range_: Range, batch: Batch) -> set[int]:
        there = self._store.stored(batch.ids, leaving_out=range_)
        return {index for index, id_ in enumerate(batch.ids) if id_ in there}


def _repeated(ids: Sequence[bytes], packed: Ids) -> dict[int, int]:
    """Indices of ids that stood in the list before, and where they stood first."""
    if len(np.unique(packed[:, LOW])) == len(ids):
        return {}
    first: dict[bytes, int] = {}
    return {index: at for index, id_ in enumerate(ids) if (at := first.setdefault(id_, index)) != index}
