"""Questions about how often: top events and the day's figures by event type."""

from datetime import date, datetime

from clickhouse import days, held
from clickhouse.answers import UNIQ_ERROR_BOUND, Answer, DailyRow, TopEvent
from clickhouse.asking import Asker, seconds
from clickhouse.scope import Scope


def top_events(
    asker: Asker, scope: Scope, first: date, last: date, limit: int, *, now: datetime
) -> Answer[TopEvent]:
    """The `limit` most frequent event types of the days `first` to `last`, ties by name."""
    asked = held.askable(first, last, scope, now)
    if not asked:
        return Answer([])
    edges = days.edges([asked[0], asked[1] + days.DAY], scope.tz)
    name = "top_events_in_segment" if scope.segments else "top_events"
    return Answer([TopEvent(*row) for row in asker.rows_of(name, scope, edges=seconds(edges), limit=limit)])


def daily(asker: Asker, scope: Scope, first: date, last: date, *, now: datetime) -> Answer[DailyRow]:
    """Users, points and actions by day and event type; only pairs that occurred, by day and name."""
    exact = bool(scope.segments) or scope.exact
    rows: list[DailyRow] = []
    if asked := held.askable(first, last, scope, now):
        asked_days = days.days_between(*asked)
        edges = days.edges([*asked_days, asked[1] + days.DAY], scope.tz)
        name = "daily_in_segment" if exact else "daily"
        found = asker.rows_of(name, scope, edges=seconds(edges))
        rows = [DailyRow(asked_days[span], *figures) for span, *figures in found]
    return Answer(rows) if exact else Answer(rows, "uniq", UNIQ_ERROR_BOUND)
