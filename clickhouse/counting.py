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
    asked = held.askable(first, last, scope, now)
    if not asked:
        return Answer([])
    name = "top_events_in_segment" if scope.segments else "top_events"
    rows = asker.rows_of(name, scope, first=asked[0], last=asked[1], tz=scope.tz, limit=limit)
    return Answer([TopEvent(*row) for row in rows])


def daily(asker: Asker, scope: Scope, first: date, last: date, *, now: datetime) -> Answer[DailyRow]:
    """Users, points and actions by day and event type; only pairs that occurred, by day and name."""
    exact = bool(scope.segments) or scope.exact
    rows: list[DailyRow] = []
    if asked := held.askable(first, last, scope, now):
        name = "daily_in_segment" if exact else "daily"
        found = asker.rows_of(name, scope, first=asked[0], last=asked[1], tz=scope.tz)
        rows = [DailyRow(*row) for row in found]
    return Answer(rows) if exact else Answer(rows, "uniq", UNIQ_ERROR_BOUND)
