"""Questions about who was there: daily users, and users who came back. Always exact.

Without a segment from user_activity, with one from events_raw.
"""

import base64
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from clickhouse import cursors, days
from clickhouse.answers import Answer, DauRow, Returned, ReturningPage
from clickhouse.asking import Asking, Reading
from clickhouse.views import ACTIVITY_IN_TIME, EVENTS_IN_TIME, Timeline

RETURNS_WITHIN_DAYS: Final = 7
# A user's days are the bits of a number.
DAYS_AT_ONCE: Final = 64


def dau(asking: Asking, first: date, last: date) -> Answer[DauRow]:
    """Different users of every day from `first` to `last`, days of nobody too."""
    memory = asking.memory()
    users: dict[date, int] = {}
    if asked := memory.askable(first, last):
        users = dict(_dau(asking, *asked))
    rows = [DauRow(day, users.get(day, 0)) for day in days.days_between(first, last)]
    return Answer(rows, held_since=memory.whole_since)


def _dau(asking: Asking, first: date, last: date) -> list[Any]:
    scope = asking.scope

    def read(first: date, last: date, edges: Sequence[int]) -> list[Any]:
        if scope.segments:
            return asking.rows("dau", first=first, edges=edges)
        if not scope.bots and days.of_utc(edges):
            return asking.rows("dau", first=first, last=last)
        found: list[Any] = []
        for some in _at_once(first, last, DAYS_AT_ONCE):
            found += asking.rows("dau_in_zone", first=some[0], **asking.told_by(some[0], some[-1]))
        return found

    return asking.by_day(Reading("dau", _table(asking)), read, first, last)


def retention_7d(asking: Asking, first: date, last: date) -> Answer[Returned]:
    """Of every day from `first` to `last`: who was there, and who of them again within seven days."""

    def read(first: date, last: date, _edges: Sequence[int]) -> list[Any]:
        found: list[Any] = []
        for some in _at_once(first, last, DAYS_AT_ONCE - RETURNS_WITHIN_DAYS):
            told_by = asking.told_by(some[0], some[-1] + RETURNS_WITHIN_DAYS * days.DAY)
            found += asking.rows("retention_7d", first=some[0], asked=len(some), **told_by)
        return found

    memory = asking.memory()
    known: dict[date, Returned] = {}
    if asked := memory.askable(first, last):
        reading = Reading("retention_7d", _table(asking), reach=RETURNS_WITHIN_DAYS)
        known = {row[0]: Returned(*row) for row in asking.by_day(reading, read, *asked)}
    rows = [known.get(day) or Returned(day, 0, 0) for day in days.days_between(first, last)]
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
    three = [edges[0], edges[-2], edges[-1]]
    packed = base64.b64encode(after.encode()).decode()
    if asking.scope.segments:
        rows = asking.rows("returning", edges=three, after=packed, users_max=limit + 1)
    else:
        day_from = datetime.fromtimestamp(edges[-2], UTC).date()
        marks = days.marks(three, [1, 2])
        rows = asking.rows("returning", day_from=day_from, after=packed, users_max=limit + 1, **marks)
    count, found = rows[0]
    page: Sequence[str] = found[:limit]
    following = cursors.pack(page[-1]) if len(found) > limit else None
    return ReturningPage(count, page, following, held_since=memory.whole_since)


def _table(asking: Asking) -> Timeline:
    return EVENTS_IN_TIME if asking.scope.segments else ACTIVITY_IN_TIME


def _at_once(first: date, last: date, count_max: int) -> list[list[date]]:
    """The days first..last, in groups of at most so many."""
    asked = days.days_between(first, last)
    return [asked[n : n + count_max] for n in range(0, len(asked), count_max)]
