"""Questions about how often: top events and the day's figures by event type."""

from datetime import date

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
        name, put = ("daily_in_segment", asking.rows_of_events) if exact else ("daily", asking.rows)
        edges = days.edges(*asked, asking.scope.tz)
        rows = [DailyRow(*row) for row in put(name, first=asked[0], edges=edges, limit=rows_max + 1)]
    if exact:
        return Answer(rows, held_since=memory.whole_since)
    return Answer(rows, "uniq", UNIQ_ERROR_BOUND, memory.whole_since)
