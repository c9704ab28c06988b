"""The warehouse's answers, typed: what the stats API and the command line call instead of writing SQL."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.client import Client

from clickhouse import activity, catalog, cohorts, counting
from clickhouse.answers import (
    UNIQ_ERROR_BOUND,
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
from clickhouse.asking import Asking, ask
from clickhouse.day_cache import DayCache
from clickhouse.property_columns import Columns
from clickhouse.scope import Scope
from clickhouse.views import AGGREGATES_KEPT_DAYS
from telemetry.clock import Clock

AGGREGATE_DAYS_HELD = AGGREGATES_KEPT_DAYS
DAILY_ROWS_MAX = 100_000
FRESHNESS_LOOKBACK = timedelta(days=2)
EVER = datetime(1970, 1, 1, tzinfo=UTC)

__all__ = [
    "AGGREGATE_DAYS_HELD",
    "UNIQ_ERROR_BOUND",
    "Answer",
    "Cohort",
    "DailyRow",
    "DauRow",
    "Freshness",
    "Period",
    "Returned",
    "ReturningPage",
    "Scope",
    "TopEvent",
    "Warehouse",
]


class Warehouse:
    """Answers questions; ranges of days include both ends.

    What is out of memory counts as nothing, and each answer says since when it is held. Every method raises
    one of clickhouse.client's errors when it cannot answer.
    """

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._read_before = DayCache()
        self._columns = Columns(client, clock=clock)

    def ping(self) -> None:
        """Return when the warehouse answers and its schema is there."""
        self._freshness(since=self._clock.now())

    def dau(self, scope: Scope, first: date, last: date) -> Answer[DauRow]:
        """Different users of every day, days of nobody too; exact."""
        return activity.dau(self._asking(scope), first, last)

    def top_events(self, scope: Scope, first: date, last: date, limit: int) -> Answer[TopEvent]:
        """The `limit` most frequent event types, ties by name; exact."""
        return counting.top_events(self._asking(scope), first, last, limit)

    def daily(
        self, scope: Scope, first: date, last: date, rows_max: int = DAILY_ROWS_MAX
    ) -> Answer[DailyRow]:
        """Users, points and actions by day and event type, by day and name; only pairs that occurred.

        `rows_max` + 1 rows say that there are more than `rows_max`.
        """
        return counting.daily(self._asking(scope), first, last, rows_max)

    def daily_unread(self, scope: Scope, first: date, last: date) -> Sequence[date]:
        """Of which of these days `daily` would read the table: whoever asks for them first waits longer."""
        return counting.daily_unread(self._asking(scope), first, last)

    def retention(self, scope: Scope, start: date, windows: int, period: Period) -> Answer[Cohort]:
        """The cohort of `start` and those of the `windows` periods after it, never beyond today; exact.

        Each has `windows` + 1 numbers, its own period's first; None for a period that has not begun.
        """
        return cohorts.retention(self._asking(scope), start, windows, period)

    def retention_7d(self, scope: Scope, first: date, last: date) -> Answer[Returned]:
        """Of every day: who was there, and who of them again within seven days; exact."""
        return activity.retention_7d(self._asking(scope), first, last)

    def returning(self, scope: Scope, day: date, days: int, limit: int, cursor: str | None) -> ReturningPage:
        """Users of `day` who were there on one of the `days` before it too, a page of them by id; exact.

        Raises clickhouse.cursors.CursorError for a cursor that no answer gave.
        """
        return activity.returning(self._asking(scope), day, days, limit, cursor)

    def held_since(self, scope: Scope) -> date:
        """The oldest day of the zone that the source of such an answer still holds whole."""
        return self._asking(scope).memory().whole_since

    def freshness(self) -> Freshness:
        """How fresh the answers are."""
        # What came last may be of long ago: a history that is loaded. Then every day is looked at.
        for since in (self._clock.now() - FRESHNESS_LOOKBACK, EVER):
            last_ingested_at, last_received_at, buckets = self._freshness(since)[0]
            if buckets:
                lag_s = max(0.0, (last_ingested_at - last_received_at).total_seconds())
                return Freshness(last_ingested_at, lag_s)
        return Freshness(None, None)

    def _asking(self, scope: Scope) -> Asking:
        return Asking(self._client, scope, self._clock.now(), self._read_before, self._columns)

    def _freshness(self, since: datetime) -> list[Any]:
        return ask(self._client, catalog.query("freshness").sql, since=since)
