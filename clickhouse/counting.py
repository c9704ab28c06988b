"""Questions about how often: top events and the day's figures by event type."""

from datetime import date
from typing import Any

from clickhouse import days
from clickhouse.answers import UNIQ_ERROR_BOUND, Answer, DailyRow, TopEvent
from clickhouse.asking import Asking


def top_events(asking: Asking, first: date, last: date, limit: int) -> Answer[TopEvent]:
    """The `limit` most frequent event types of the days `first` to `last`, ties by name."""
    memory = asking.memory()
    rows: list[TopEvent] = []
    if asked := memory.askable(first, last):
        edges = days.edges(*asked, asking.scope.tz)
        found = asking.rows("top_events", edges=[edges[0], edges[-1]], limit=limit)
        rows = [TopEvent(*row) for row in found]
    return Answer(rows, held_since=memory.whole_since)


def daily(asking: Asking, first: date, last: date, rows_max: int) -> Answer[DailyRow]:
    """Users, points and actions by day and event type; only pairs that occurred, by day and name.

    One row more than `rows_max` at most: whoever gets that many knows that there are more.
    """
    exact = asking.scope.exact or bool(asking.scope.segments)
    memory = asking.memory(raw=exact)
    rows: list[DailyRow] = []
    if asked := memory.askable(first, last):
        found = _daily(asking, *asked, limit=rows_max + 1, exact=exact)
        rows = [DailyRow(*row) for row in found]
    if exact:
        return Answer(rows, held_since=memory.whole_since)
    return Answer(rows, "uniq", UNIQ_ERROR_BOUND, memory.whole_since)


def _daily(asking: Asking, first: date, last: date, *, limit: int, exact: bool) -> list[Any]:
    """From the events themselves, from states of whole UTC days, or from those of quarter hours."""
    edges = days.edges(first, last, asking.scope.tz)
    if exact:
        return asking.rows_of_events("daily_in_segment", first=first, edges=edges, limit=limit)
    if all(at % days.DAY_S == 0 for at in edges):
        return asking.rows("daily_by_day", days=days.days_between(first, last), limit=limit)
    return asking.rows("daily", first=first, edges=edges, limit=limit)
