"""Which days the warehouse still holds, by the clock: questions never look beyond, answers say so."""

from datetime import UTC, date, datetime, time, timedelta

from clickhouse import days
from clickhouse.scope import Scope
from clickhouse.views import AGGREGATES_KEPT_DAYS, RAW_KEPT_DAYS


def kept_days(scope: Scope) -> int:
    """For how many days the source of such an answer keeps what it holds."""
    return RAW_KEPT_DAYS if scope.segments else AGGREGATES_KEPT_DAYS


def whole_since(scope: Scope, now: datetime) -> date:
    """The oldest day of the zone all of whose UTC days the source of such an answer holds whole."""
    oldest = now.astimezone(UTC).date() - timedelta(days=kept_days(scope) - 1)
    day = days.day_of(datetime.combine(oldest, time(), UTC), scope.tz)
    return day if days.start_of(day, scope.tz).date() >= oldest else day + days.DAY


def askable(first: date, last: date, scope: Scope, now: datetime) -> tuple[date, date] | None:
    """The days of first..last of which there can be anything at all; None when there are none.

    A little more than is held whole: what a day is left with is answered too. An event may be of a few
    minutes ahead.
    """
    oldest = whole_since(scope, now) - 3 * days.DAY
    newest = days.day_of(now, scope.tz) + days.DAY
    first, last = max(first, oldest), min(last, newest)
    return (first, last) if first <= last else None
