"""Questions about how often: top events and the day's figures by event type."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from clickhouse import days
from clickhouse.answers import UNIQ_ERROR_BOUND, Answer, DailyRow, TopEvent
from clickhouse.asking import Asking, Reading
from clickhouse.day_cache import Read
from clickhouse.views import EVENTS_IN_TIME, QUARTER_HOURS_IN_TIME


def top_events(asking: Asking, first: date, last: date, limit: int) -> Answer[TopEvent]:
    """The `limit` most frequent event types of the days `first` to `last`, ties by name."""
    memory = asking.memory()
    rows: list[TopEvent] = []
    if asked := memory.askable(first, last):
        rows = [TopEvent(*row) for row in _top_events(asking, *asked, limit)]
    return Answer(rows, held_since=memory.whole_since)


def _top_events(asking: Asking, first: date, last: date, limit: int) -> list[Any]:
    """From the events themselves, from counts of whole UTC days, or from those of quarter hours."""
    edges = days.edges(first, last, asking.scope.tz)
    # What lies between counts alike, however the days in between begin.
    ends = [edges[0], edges[-1]]
    if not asking.scope.segments and days.of_utc(ends):
        return asking.rows("top_events_by_day", days=days.days_between(first, last), limit=limit)
    return asking.rows("top_events", edges=ends, limit=limit)


def daily(asking: Asking, first: date, last: date, rows_max: int) -> Answer[DailyRow]:
    """Users, points and actions by day and event type; only pairs that occurred, by day and name.

    One row more than `rows_max` at most: whoever gets that many knows that there are more.
    """
    exact = _exactly(asking)
    memory = asking.memory(raw=exact)
    rows: list[DailyRow] = []
    if asked := memory.askable(first, last):
        found = asking.by_day(
            _of_days(asking), _read_daily(asking, rows_max + 1), *asked, rows_max=rows_max + 1
        )
        rows = [DailyRow(*row) for row in found]
    if exact:
        return Answer(rows, held_since=memory.whole_since)
    return Answer(rows, "uniq", UNIQ_ERROR_BOUND, memory.whole_since)


def daily_unread(asking: Asking, first: date, last: date) -> list[date]:
    """The days of `first` to `last` that `daily` would read now: they have come or changed since it did."""
    asked = asking.memory(raw=_exactly(asking)).askable(first, last)
    return asking.unread(_of_days(asking), *asked) if asked else []


def _exactly(asking: Asking) -> bool:
    return asking.scope.exact or bool(asking.scope.segments)


def _of_days(asking: Asking) -> Reading:
    return Reading("daily", EVENTS_IN_TIME if _exactly(asking) else QUARTER_HOURS_IN_TIME)


def _read_daily(asking: Asking, limit: int) -> Read:
    """From the events themselves, from states of whole UTC days, or from those of quarter hours."""

    def read(first: date, last: date, edges: Sequence[int]) -> list[Any]:
        if _exactly(asking):
            return asking.rows_of_events("daily_in_segment", first=first, edges=edges, limit=limit)
        if days.of_utc(edges):
            return asking.rows("daily_by_day", days=days.days_between(first, last), limit=limit)
        return asking.rows("daily", first=first, edges=edges, limit=limit)

    return read
