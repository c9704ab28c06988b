"""Questions about who was there: daily users, users who came back, cohorts. Always exact.

Without a segment from user_activity and user_spans, with one from events_raw, first events included.
"""

import base64
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

from clickhouse import cursors, days, held
from clickhouse.answers import Answer, Cohort, DauRow, Period, Returned, ReturningPage
from clickhouse.asking import Asker
from clickhouse.scope import Scope

PERIOD_DAYS: Final[dict[Period, int]] = {"day": 1, "week": 7}
RETURNS_WITHIN_DAYS: Final = 7
# A user's days are the bits of a 64-bit number; the last of them only tell who returned.
DAYS_AT_ONCE: Final = 64 - RETURNS_WITHIN_DAYS


def dau(asker: Asker, scope: Scope, first: date, last: date, *, now: datetime) -> Answer[DauRow]:
    """Different users of every day from `first` to `last`, days of nobody too."""
    users: dict[date, int] = {}
    if asked := held.askable(first, last, scope, now):
        users = dict(_rows(asker, "dau", scope, first=asked[0], last=asked[1]))
    return Answer([DauRow(day, users.get(day, 0)) for day in days.days_between(first, last)])


def retention(
    asker: Asker, scope: Scope, start: date, windows: int, period: Period, *, now: datetime
) -> Answer[Cohort]:
    """The cohorts of the periods 0 to `windows` from `start` on that have begun, empty ones too."""
    period_days = PERIOD_DAYS[period]
    begun = _begun(scope, start, 2 * windows + 1, period_days, now)
    if not begun:
        return Answer([])
    known: dict[tuple[date, int], int] = {}
    if asked := held.askable(start, begun[-1] + (period_days - 1) * days.DAY, scope, now):
        rows = _rows(
            asker,
            "retention",
            scope,
            start=start,
            period_days=period_days,
            windows=windows,
            newcomers_since=max(start, asked[0], held.whole_since(scope, now)),
        )
        known = {(cohort, window): users for cohort, window, users in rows}
    cohorts = []
    for number, day in enumerate(begun[: windows + 1]):
        counts = [known.get((day, n), 0) for n in range(min(windows + 1, len(begun) - number))]
        cohorts.append(Cohort(day, counts[0], (*counts, *[None] * (windows + 1 - len(counts)))))
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
            for day, *counts in _rows(asker, "retention_7d", scope, first=some[0], last=some[-1]):
                known[day] = (counts[0], counts[1])
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
    packed = base64.b64encode(after.encode()).decode()
    rows = _rows(asker, "returning", scope, day=day, days=back, after=packed, users_max=limit + 1)
    count, found = rows[0]
    page: Sequence[str] = found[:limit]
    return ReturningPage(count, page, cursors.pack(page[-1]) if len(found) > limit else None)


def _rows(asker: Asker, name: str, scope: Scope, **parameters: Any) -> list[Any]:
    """From the source that can tell: the users' activity or, with a segment, the events themselves."""
    asked = f"{name}_in_segment" if scope.segments else name
    return asker.rows_of(asked, scope, tz=scope.tz, **parameters)
