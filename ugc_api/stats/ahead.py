"""Reads the days that somebody will ask for, so that the first who asks waits no longer than the next.

A day's figures by event type are added up from the sketches of its users, or exactly from its events; once
read they are kept until the day changes (clickhouse.day_cache). Here the whole days of a month are read when
the process starts, newest first, and again when they have changed. It is a comfort, so it stands back: one
day at a time, resting as long as the day took, and ever more seldom while the warehouse does not answer.
"""

import threading
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final, Protocol

import structlog

from clickhouse import days
from clickhouse.answers import Answer, DailyRow
from clickhouse.client import WarehouseError
from clickhouse.day_cache import ROWS_MAX
from clickhouse.scope import Scope
from clickhouse.warehouse import DAILY_ROWS_MAX
from telemetry.clock import Clock

DAYS: Final = 30
LOOK_EVERY_S: Final = 60.0
TRY_AGAIN_S: Final = 2.0
TRY_AGAIN_S_MAX: Final = 600.0
# Days of so many event types that they do not fit would drive each other out of memory, and all others.
KEPT_ROWS_MAX: Final = ROWS_MAX // 2


class Readable(Protocol):
    """What is needed of clickhouse.warehouse.Warehouse."""

    def daily(self, scope: Scope, first: date, last: date, rows_max: int) -> Answer[DailyRow]: ...

    def daily_unread(self, scope: Scope, first: date, last: date) -> Sequence[date]: ...


class ReadingAhead:
    """A thread of its own; one object a process, for the zones whose days are to be read."""

    def __init__(self, warehouse: Readable, zones: Iterable[str], *, clock: Clock) -> None:
        self._warehouse = warehouse
        self._scopes = [Scope(tz=tz, exact=exact) for exact in (False, True) for tz in zones]
        self._rows_max = KEPT_ROWS_MAX // max(1, len(self._scopes))
        self._clock = clock
        self._rows: dict[tuple[Scope, date], int] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reading-ahead", daemon=True)
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Return at once. Without a zone there is nothing to do."""
        if self._scopes:
            self._thread.start()

    def stop(self) -> None:
        """Return at once; the thread ends with the day that it reads."""
        self._stopping.set()

    def look(self) -> int:
        """Read what has changed; how many days that were. Raises a WarehouseError."""
        return sum(self._read(scope) for scope in self._scopes)

    def _read(self, scope: Scope) -> int:
        # The day that runs is another one at each look, and whoever asks for it reads it alone.
        last = days.day_of(self._clock.now(), scope.tz) - days.DAY
        first = last - (DAYS - 2) * days.DAY
        unread, read, rows = set(self._warehouse.daily_unread(scope, first, last)), 0, 0
        for day in reversed(days.days_between(first, last)):
            if day in unread and not self._stopping.is_set():
                began = self._clock.monotonic()
                self._rows[scope, day] = len(self._warehouse.daily(scope, day, day, DAILY_ROWS_MAX).rows)
                read += 1
                self._stopping.wait(self._clock.monotonic() - began)
            rows += self._rows.get((scope, day), 0)
            if rows > self._rows_max:
                break
        self._rows.pop((scope, first - days.DAY), None)
        return read

    def _run(self) -> None:
        again_s = TRY_AGAIN_S
        while not self._stopping.is_set():
            try:
                read = self.look()
            except WarehouseError as error:
                self._log.debug("not_read_ahead", code=error.code, again_s=again_s)
                self._stopping.wait(again_s)
                again_s = min(2 * again_s, TRY_AGAIN_S_MAX)
            else:
                self._log.debug("days_read_ahead", days=read)
                self._stopping.wait(LOOK_EVERY_S)
                again_s = TRY_AGAIN_S
