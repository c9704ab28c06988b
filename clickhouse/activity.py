"""Questions about who was there: daily users, users who came back, cohorts. Always exact.

Without a segment from user_activity and user_spans, with one from events_raw, first events included.
"""

import base64
from collections.abc import Sequence
from datetime import date, datetime

from clickhouse import cursors, days, held
from clickhouse.answers import Answer, Cohort, DauRow, Period, Returned, ReturningPage
from clickhouse.asking import Asker, piecewise, seconds
from clickhouse.scope import Scope

PERIOD_DAYS: dict[Period, int] = {"day": 1, "week": 7}
RETURNS_WITHIN_DAYS = 7
# A user's days are the bits of a 64-bit number; the last of them only tell who returned.
DAYS_AT_ONCE = 64 - RETURNS_WITHIN_DAYS


def dau(asker: Asker, scope: Scope, first: date, last: date, *, now: datetime) -> Answer[DauRow]:
    """Different users of every day from `first` to `last`, days of nobody too."""
    users: dict[date, int] = {}
    if asked := held.askable(first, last, scope, now):
        asked_days = days.days_between(*asked)
        edges = days.edges([*asked_days, asked[1] + days.DAY], scope.tz)
        rows = _rows(asker, "dau", scope, edges)
        users = {asked_days[span]: count for span, count in rows}
    return Answer([DauRow(day, users.get(day, 0)) for day in days.days_between(first, last)])


def retention(
    asker: Asker, scope: Scope, start: date, windows: int, period: Period, *, now: datetime
) -> Answer[Cohort]:
    """The cohorts of the periods 0 to `windows` from `start` on that have begun, empty ones too."""
    begun = _begun(scope, start, 2 * windows + 1, PERIOD_DAYS[period], now)
    if not begun:
        return Answer([])
    edges = days.edges([*begun, begun[-1] + PERIOD_DAYS[period] * days.DAY], scope.tz)
    oldest = days.start_of(held.whole_since(scope, now), scope.tz)
    known = {
        (cohort, at): users
        for cohort, at, users in _rows(
            asker, "retention", scope, edges, newcomers_since=max(edges[0], oldest), cohorts=windows + 1
        )
    }
    cohorts = []
    for number, day in enumerate(begun[: windows + 1]):
        counts = [known.get((number, number + n), 0) for n in range(min(windows + 1, len(begun) - number))]
        padded = (*counts, *[None] * (windows + 1 - len(counts)))
        cohorts.append(Cohort(day, counts[0], padded))
    return Answer(cohorts)


def _begun(scope: Scope, start: date, periods: int, period_days: int, now: datetime) -> list[date]:
    """The first days of those of the periods from `start` on that have begun."""
    today = days.day_of(now, scope.tz)
    if start > today:
        return []
    count = min(periods, (today - start).days // period_days + 1)
    return [start + n * period_days * days.DAY for n in range(count)]


def retention_7d(asker: Asker, scope: Scope, first: date, last: date, *, now: datetime) -> Answer[Returned]:
    """Of every day from `first` to `last`: who was there, and who of them again within seven days."""
    known: dict[date, tuple[int, int]] = {}
    if asked := held.askable(first, last, scope, now):
        asked_days = days.days_between(*asked)
        for n in range(0, len(asked_days), DAYS_AT_ONCE):
            some = asked_days[n : n + DAYS_AT_ONCE]
            after = days.days_between(some[-1] + days.DAY, some[-1] + (RETURNS_WITHIN_DAYS + 1) * days.DAY)
            edges = days.edges([*some, *after], scope.tz)
            for span, total, returned in _rows(asker, "retention_7d", scope, edges, asked=len(some)):
                known[some[span]] = (total, returned)
    return Answer([Returned(day, *known.get(day, (0, 0))) for day in days.days_between(first, last)])


def returning(  # noqa: PLR0913 - a page of a question, and the clock
    asker: Asker, scope: Scope, day: date, back: int, limit: int, cursor: str | None, *, now: datetime
) -> ReturningPage:
    """Users of `day` who were there on one of the `back` days before it too, and a page of them by id.

    Raises CursorError for a cursor that no answer gave.
    """
    after = cursors.unpack(cursor) if cursor else ""
    if not held.askable(day, day, scope, now):
        return ReturningPage(0, [], None)
    earliest = max(day - back * days.DAY, held.whole_since(scope, now) - 3 * days.DAY)
    edges = days.edges([min(earliest, day), day, day + days.DAY], scope.tz)
    packed = base64.b64encode(after.encode()).decode()
    ((count, found),) = _rows(asker, "returning", scope, edges, after=packed, users_max=limit + 1)
    page: Sequence[str] = found[:limit]
    return ReturningPage(count, page, cursors.pack(page[-1]) if len(found) > limit else None)


def _rows(asker: Asker, name: str, scope: Scope, edges: list[datetime], **more: object) -> list[tuple]:  # type: ignore[type-arg]
    """From the source that can tell: spans between the edges, of users or, with a segment, of events."""
    if scope.segments:
        return asker.rows_of(f"{name}_in_segment", scope, edges=seconds(edges), **more)
    return asker.rows_of(name, scope, **piecewise(days.pieces(edges)), **more)
