"""Questions about how often: top events and the day's figures by event type."""

from datetime import date, datetime

from clickhouse import held
from clickhouse.answers import UNIQ_ERROR_BOUND, Answer, DailyRow, TopEvent
from clickhouse.asking import Asker
from clickhouse.scope import Scope


def top_events(  # noqa: PLR0913 - a question, and the clock
    asker: Asker, scope: Scope, first: date, last: date, limit: int, *, now: datetime
) -> Answer[TopEvent]:
    """The `limit` most frequent event types of the days `first` to `last`, ties by name."""
    memory = held.memory(scope, now)
    rows: list[TopEvent] = []
    if asked := memory.askable(first, last):
        name = "top_events_in_segment" if scope.segments else "top_events"
        found = asker.rows_of(name, scope, first=asked[0], last=asked[1], tz=scope.tz, limit=limit)
        rows = [TopEvent(*row) for row in found]
    return Answer(rows, held_since=memory.whole_since)


def daily(  # noqa: PLR0913 - a question, and the clock
    asker: Asker, scope: Scope, first: date, last: date, rows_max: int, *, now: datetime
) -> Answer[DailyRow]:
    """Users, points and actions by day and event type; only pairs that occurred, by day and name.

    One row more than `rows_max` at most: whoever gets that many knows that there are more.
    """
    exact = bool(scope.segments) or scope.exact
    memory = held.memory(scope, now, raw=exact)
    rows: list[DailyRow] = []
    if asked := memory.askable(first, last):
        name = "daily_in_segment" if exact else "daily"
        found = asker.rows_of(name, scope, first=asked[0], last=asked[1], tz=scope.tz, limit=rows_max + 1)
        rows = [DailyRow(*row) for row in found]
    if exact:
        return Answer(rows, held_since=memory.whole_since)
    return Answer(rows, "uniq", UNIQ_ERROR_BOUND, memory.whole_since)
