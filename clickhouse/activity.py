"""Questions about who was there: daily users, users who came back, cohorts. Always exact.

Without a segment from user_activity and user_spans, with one from events_raw, first events included.
"""

import base64
from collections.abc import Sequence
from datetime import date
from typing import Final

from clickhouse import cursors, days
from clickhouse.answers import Answer, Cohort, DauRow, Period, Returned, ReturningPage
from clickhouse.asking import Asking

PERIOD_DAYS: Final[dict[Period, int]] = {"day": 1, "week": 7}
RETURNS_WITHIN_DAYS: Final = 7
# A user's days are the bits of a 64-bit number; the last of them only tell who returned.
DAYS_AT_ONCE: Final = 64 - RETURNS_WITHIN_DAYS


def dau(asking: Asking, first: date, last: date) -> Answer[DauRow]:
    """Different users of every day from `first` to `last`, days of nobody too."""
    memory = asking.memory()
    users: dict[date, int] = {}
    if asked := memory.askable(first, last):
        users = dict(asking.rows("dau", first=asked[0], edges=days.edges(*asked, asking.scope.tz)))
    rows = [DauRow(day, users.get(day, 0)) for day in days.days_between(first, last)]
    return Answer(rows, held_since=memory.whole_since)


def retention(asking: Asking, start: date, windows: int, period: Period) -> Answer[Cohort]:
    """The cohorts of the periods 0 to `windows` from `start` on that have begun, empty ones too."""
    period_days, memory = PERIOD_DAYS[period], asking.memory()
    begun = _begun(days.day_of(asking.now, asking.scope.tz), start, 2 * windows + 1, period_days)
    known: dict[tuple[date, int], int] = {}
    end = begun[-1] + (period_days - 1) * days.DAY if begun else start
    if begun and memory.askable(start, end):
        tz = asking.scope.tz
        rows = asking.rows(
            "retention",
            first=start,
            period_days=period_days,
            windows=windows,
            edges=days.edges(start, end, tz),
            newcomers_since=days.start_of(max(start, memory.whole_since), tz),
        )
        known = {(cohort, window): users for cohort, window, users in rows}
    cohorts = []
    for number, day in enumerate(begun[: windows + 1]):
        counts = [known.get((day, n), 0) for n in range(min(windows + 1, len(begun) - number))]
        cohorts.append(Cohort(day, counts[0], (*counts, *[None] * (windows + 1 - len(counts)))))
    return Answer(cohorts, held_since=memory.whole_since)


def _begun(today: date, start: date, periods: int, period_days: int) -> list[date]:
    """The first days of those of the periods from `start` on that have begun."""
    if start > today:
        return []
    count = min(periods, (today - start).days // period_days + 1)
    return [start + n * period_days * days.DAY for n in range(count)]


def retention_7d(asking: Asking, first: date, last: date) -> Answer[Returned]:
    """Of every day from `first` to `last`: who was there, and who of them again within seven days."""
    memory = asking.memory()
    known: dict[date, tuple[int, int]] = {}
    if asked := memory.askable(first, last):
        asked_days = days.days_between(*asked)
        for n in range(0, len(asked_days), DAYS_AT_ONCE):
            some = asked_days[n : n + DAYS_AT_ONCE]
            edges = days.edges(some[0], some[-1] + RETURNS_WITHIN_DAYS * days.DAY, asking.scope.tz)
            for day, *counts in asking.rows("retention_7d", first=some[0], edges=edges):
                known[day] = (counts[0], counts[1])
    rows = [Returned(day, *known.get(day, (0, 0))) for day in days.days_between(first, last)]
    return Answer(rows, held_since=memory.whole_since)


def returning(asking: Asking, day: date, back: int, limit: int, cursor: str | None) -> ReturningPage:
    """Users of `day` who were there on one of the `back` days before it too, and a page of them by id.

    Raises CursorError for a cursor that no answer gave.
    """
    after = cursors.unpack(cursor) if cursor else ""
    memory = asking.memory()
    if not memory.askable(day, day):
        return ReturningPage(0, [], None, held_since=memory.whole_since)
    edges = days.edges(day - back * days.DAY, day, asking.scope.tz)
    packed = base64.b64encode(after.encode()).decode()
    rows = asking.rows("returning", edges=[edges[0], edges[-2], edges[-1]], after=packed, users_max=limit + 1)
    count, found = rows[0]
    page: Sequence[str] = found[:limit]
    following = cursors.pack(page[-1]) if len(found) > limit else None
    return ReturningPage(count, page, following, held_since=memory.whole_since)
