"""Days that were read before, for as long as the parts they were read from are the same.

A month is asked for again and again, and in between only the day that runs has changed, and perhaps one for
which an event came late. A part of a MergeTree never changes, and nothing else is ever called by its name and
the UUID it is given (a name alone comes again: after a restart, or in a directory put back from a copy; parts
of before migration 059 have nothing else until they are merged). So the parts of a day tell whether it is
still the one that was read. A day of a zone ends within a day of UTC: it is made of those of its parts that
reach so far back, as each knows its first and its last time. Parts are asked for before a day is read: what
arrives in between makes them others, and the day is read again the next time. So an answer is never older
than its question, and nothing is kept for a time that somebody would have to choose.

This holds for one server: a replica may lack a part that another had when the day was read. Behind a load
balancer each API process would have to stay with one of them.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import blake2b
from itertools import groupby
from threading import Lock
from typing import Any, Final, NamedTuple

from clickhouse import days
from clickhouse.views import Timeline

# A row of python objects takes some 250 bytes, a key 1 KiB: 12 MiB a process when it is full of many rows a
# day, 30 of days with a row each.
ROWS_MAX: Final = 50_000

Key = tuple[Hashable, ...]
# What tells the parts of a day from any others; empty when there are none.
Parts = bytes


class Part(NamedTuple):
    """A part of a table, and the seconds since 1970 between which lies all that it tells."""

    name: bytes
    since: int
    until: int


# The parts of those days of UTC, which may hold more than is asked for.
MadeOf = Callable[[Timeline, Sequence[date]], Sequence[Part]]
# A reading of the days from one date to another, which begin at these edges: rows that begin with their date.
Read = Callable[[date, date, Sequence[int]], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of a table the days first..last, or each `step`-th of them: the first days of longer periods.

    `what`: all that decides about a day's rows but table and days. `reach`: on so many days after its own a
    day's rows depend too. `edges`: where all these days begin, and where the last one ends.
    """

    table: Timeline
    what: Hashable
    first: date
    last: date
    edges: Sequence[int]
    reach: int = 0
    step: int = 1

    def days(self) -> Sequence[date]:
        """Those for which there are rows."""
        return days.days_between(self.first, self.last)[:: self.step]

    def key(self, day: date) -> Key:
        """What tells the rows of this day from all others."""
        return (self.table.name, self.what, day, *self.edges_of(day, day))

    def made_of(self, day: date, parts: Sequence[Part]) -> Parts:
        """Of these parts those that the day's rows are read from."""
        begin, *_, end = self.edges_of(day, day)
        names = sorted(part.name for part in parts if part.since < end and part.until > begin)
        return blake2b(b"".join(names), digest_size=16).digest() if names else b""

    def edges_of(self, first: date, last: date) -> Sequence[int]:
        """Where some of the days begin, and those they reach to, and where the last of these ends."""
        return self.edges[(first - self.first).days : (last - self.first).days + self.reach + 2]


@dataclass(frozen=True, slots=True)
class Known:
    """Of each day wanted the rows that are still right; None when it must be read, and then `keep` keeps it.

    Days without parts are not in it where others have some: there is nothing of them.
    """

    rows: Mapping[date, Sequence[Any] | None]
    keep: Callable[[date, Sequence[Any]], None]


class DayCache:
    """Of any questions that are answered day by day; threads may share it."""

    def __init__(self, *, rows_max: int = ROWS_MAX) -> None:
        self._rows_max = rows_max
        self._rows = 0
        self._kept: OrderedDict[Key, tuple[Parts, Sequence[Any]]] = OrderedDict()
        self._lock = Lock()

    def rows(self, wanted: Wanted, read: Read, made_of: MadeOf, *, read_max: int | None = None) -> list[Any]:
        """The rows of all days, by day. A reading of `read_max` rows may lack some, and is not kept."""
        known = self.known(wanted, made_of)
        found = dict(known.rows)
        for first, last in _unread_spans(known.rows):
            rows = read(first, last, wanted.edges_of(first, last))
            by_day: dict[date, list[Any]] = {day: [] for day in days.days_between(first, last)}
            for row in rows:
                by_day[row[0]].append(row)
            found.update(by_day)
            if read_max is None or len(rows) < read_max:
                for day, of_day in by_day.items():
                    known.keep(day, of_day)
        return [row for day in sorted(found) for row in found[day] or ()]

    def known(self, wanted: Wanted, made_of: MadeOf) -> Known:
        """What need not be read. What is read from now on may be kept as of now."""
        parts = _look(wanted, made_of)
        rows = {day: self._recall(wanted.key(day), made) for day, made in parts.items() if made}
        # A table may not be divided by days after all: then no day has parts, and each must be read.
        return Known(
            rows or dict.fromkeys(parts), lambda day, rows: self._keep(wanted.key(day), parts[day], rows)
        )

    def unread(self, wanted: Wanted, made_of: MadeOf) -> list[date]:
        """Which of the days `rows` would read now."""
        return [day for day, rows in self.known(wanted, made_of).rows.items() if rows is None]

    def _recall(self, key: Key, parts: Parts) -> Sequence[Any] | None:
        """The rows that are still right; None when the day must be read."""
        with self._lock:
            kept, rows = self._kept.get(key, (None, ()))
            if kept != parts:
                return None
            self._kept.move_to_end(key)
            return rows

    def _keep(self, key: Key, parts: Parts, rows: Sequence[Any]) -> None:
        # There is nothing to tell the day by, or it would drive out all others and itself.
        if not parts or len(rows) >= self._rows_max:
            return
        with self._lock:
            self._forget(key)
            self._kept[key] = (parts, rows)
            # A day of nothing takes a place too.
            self._rows += len(rows) + 1
            while self._rows > self._rows_max:
                self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        if key in self._kept:
            self._rows -= len(self._kept.pop(key)[1]) + 1


def _look(wanted: Wanted, made_of: MadeOf) -> dict[date, Parts]:
    """What each day is made of now."""
    of_utc = days.days_between(_utc_day(wanted.edges[0]), _utc_day(wanted.edges[-1] - 1))
    parts = made_of(wanted.table, of_utc)
    return {day: wanted.made_of(day, parts) for day in wanted.days()}


def _utc_day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def _unread_spans(rows: Mapping[date, Sequence[Any] | None]) -> Iterator[tuple[date, date]]:
    """The days that must be read, in spans; days of which there is nothing do not part them."""
    for unread, some in groupby(rows, key=lambda day: rows[day] is None):
        if unread:
            first, *more = some
            yield first, more[-1] if more else first
