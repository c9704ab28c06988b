"""A warehouse that need not be there when the collector starts, nor all the time after.

Connecting asks the server questions, so it can fail. It is tried when an answer is wanted and not yet
there; a failure is the answer to that one question and leaves nothing behind.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import date

from clickhouse.answers import (
    Answer,
    Cohort,
    DailyRow,
    DauRow,
    Freshness,
    Period,
    Returned,
    ReturningPage,
    TopEvent,
)
from clickhouse.client import Unavailable
from clickhouse.scope import Scope
from clickhouse.warehouse import Warehouse

Connect = Callable[[float], Warehouse]


class LazyWarehouse:
    """See `stats.Answers`. Readiness has a connection of its own: it must know within `ping_timeout_s`."""

    def __init__(self, connect: Connect, *, answer_timeout_s: float, ping_timeout_s: float) -> None:
        self._answers = _Once(connect, answer_timeout_s)
        self._pings = _Once(connect, ping_timeout_s)

    def ping(self) -> None:
        self._pings.get().ping()

    def dau(self, scope: Scope, first: date, last: date) -> Answer[DauRow]:
        return self._answers.get().dau(scope, first, last)

    def top_events(self, scope: Scope, first: date, last: date, limit: int) -> Answer[TopEvent]:
        return self._answers.get().top_events(scope, first, last, limit)

    def daily(self, scope: Scope, first: date, last: date, rows_max: int) -> Answer[DailyRow]:
        return self._answers.get().daily(scope, first, last, rows_max)

    def daily_unread(self, scope: Scope, first: date, last: date) -> Sequence[date]:
        return self._answers.get().daily_unread(scope, first, last)

    def retention(self, scope: Scope, start: date, windows: int, period: Period) -> Answer[Cohort]:
        return self._answers.get().retention(scope, start, windows, period)

    def retention_7d(self, scope: Scope, first: date, last: date) -> Answer[Returned]:
        return self._answers.get().retention_7d(scope, first, last)

    def returning(self, scope: Scope, day: date, days: int, limit: int, cursor: str | None) -> ReturningPage:
        return self._answers.get().returning(scope, day, days, limit, cursor)

    def freshness(self) -> Freshness:
        return self._answers.get().freshness()


class _Once:
    """Connects at the first call that succeeds; the others wait for it instead of connecting as well."""

    def __init__(self, connect: Connect, timeout_s: float) -> None:
        self._connect = connect
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._made: Warehouse | None = None

    def get(self) -> Warehouse:
        made = self._made
        if made is not None:
            return made
        # Behind one who tries in vain nobody waits longer than for an answer.
        if not self._lock.acquire(timeout=self._timeout_s):
            raise Unavailable("the warehouse does not answer: still connecting")
        try:
            if self._made is None:
                self._made = self._connect(self._timeout_s)
            return self._made
        finally:
            self._lock.release()
