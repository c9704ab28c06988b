"""Each id once: of a range the first, and only if no row has it yet.

All copies of an id lie in one partition, because the id is the key, and a partition has one owner; so
nobody else can store an id between this look and the insert. Of two copies the lower offset wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from etl.ports import RowStore
from etl.rows import Row


@dataclass(frozen=True, slots=True)
class Fresh:
    """The rows to store, and what was left out.

    `conflicts` are those of the `duplicates` that say something else than the first one of their range;
    copies of rows that are stored already are not compared.
    """

    rows: list[Row]
    duplicates: int
    conflicts: int


def keep_new(rows: Sequence[Row], store: RowStore) -> Fresh:
    """The first row of each id that the store does not have, in the order of their offsets."""
    first: dict[str, Row] = {}
    conflicts = 0
    for row in rows:
        kept = first.setdefault(row.event_id, row)
        if kept is not row and kept.content() != row.content():
            conflicts += 1
    stored = store.stored(list(first)) if first else set()
    fresh = [row for event_id, row in first.items() if event_id not in stored]
    return Fresh(fresh, duplicates=len(rows) - len(fresh), conflicts=conflicts)
