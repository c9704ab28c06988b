"""Cohorts: who came first in a period, and how many of them were there in each period after it. Always exact.

With a segment they are counted from events_raw, first events included. Without one from user_spans, which
says who came when, and user_activity. Then a period is read once, and again when its parts have changed
(day_cache) or one of its cohorts is another: somebody came late who had been there before all that was known.
So an event that arrives costs the period it is of, and a look at who came when.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from clickhouse import days
from clickhouse.answers import Answer, Cohort, Period
from clickhouse.asking import Asking, Reading
from clickhouse.views import ACTIVITY_IN_TIME

PERIOD_DAYS: Final[dict[Period, int]] = {"day": 1, "week": 7}

# Who belongs to each cohort that has somebody, in a few bytes, by its number.
Who = tuple[int, int]
# Of a period: the number of a cohort, how many of its users were there, and who belonged to it then.
Row = tuple[int, int, Who]


def retention(asking: Asking, start: date, windows: int, period: Period) -> Answer[Cohort]:
    """The cohorts of the periods 0 to `windows` from `start` on that have begun, empty ones too."""
    period_days, memory = PERIOD_DAYS[period], asking.memory()
    begun = _begun(days.day_of(asking.now, asking.scope.tz), start, 2 * windows + 1, period_days)
    known: Mapping[tuple[int, int], int] = {}
    if begun and memory.askable(start, begun[-1] + (period_days - 1) * days.DAY):
        since = days.start_of(max(start, memory.whole_since), asking.scope.tz)
        periods = _Periods(asking, begun, windows, period_days, since)
        known = periods.of_events() if asking.scope.segments else periods.of_activity()
    cohorts = []
    for number, day in enumerate(begun[: windows + 1]):
        counts = [known.get((number, number + n), 0) for n in range(min(windows + 1, len(begun) - number))]
        cohorts.append(Cohort(day, counts[0], (*counts, *[None] * (windows + 1 - len(counts)))))
    return Answer(cohorts, held_since=memory.whole_since)


def _begun(today: date, start: date, periods: int, period_days: int) -> list[date]:
    """The first days of those of the periods from `start` on that have begun."""
    if start > today:
        return []
    count = min(periods, (today - start).days // period_days + 1)
    return [start + n * period_days * days.DAY for n in range(count)]


@dataclass(frozen=True, slots=True)
class _Periods:
    """The periods that begin on these days, and who was there in them of the first `windows` + 1 cohorts.

    Both ways of counting tell the users by the numbers of cohort and period. `since`: who was there before
    is no newcomer.
    """

    asking: Asking
    begin: Sequence[date]
    windows: int
    period_days: int
    since: datetime

    def of_events(self) -> Mapping[tuple[int, int], int]:
        rows = self.asking.rows(
            "retention",
            first=self.begin[0],
            period_days=self.period_days,
            windows=self.windows,
            newcomers_since=self.since,
            **self._told_by(0),
        )
        number_of = {day: number for number, day in enumerate(self.begin)}
        return {(number_of[day], number_of[day] + window): users for day, window, users in rows}

    def of_activity(self) -> Mapping[tuple[int, int], int]:
        asked = ("retention", self.begin[0], self.windows, self.period_days)
        reading = Reading(asked, ACTIVITY_IN_TIME, reach=self.period_days - 1, step=self.period_days)
        known = self.asking.known(reading, self.begin[0], self.begin[-1])
        kept = {n: known.rows[day] for n, day in enumerate(self.begin) if day in known.rows}
        # The last one is read each time: it runs, and who belongs to each cohort comes with it.
        first = min([n for n, rows in kept.items() if rows is None], default=len(self.begin) - 1)
        read = self._read(first)
        # Every cohort has begun by the last period, so its rows say who belongs to each.
        last = read[len(self.begin) - 1]
        others = any(_newcomers(rows, n) != _newcomers(last, n) for n, rows in kept.items() if n < first)
        # On their day nobody had been there when we looked at its parts.
        come_since = any(cohort < first and cohort not in kept for cohort, _, _ in last)
        if others or come_since:
            read = self._read(0)
        for number, rows in read.items():
            known.keep(self.begin[number], rows)
        found = {**kept, **read}
        return {(cohort, n): users for n, rows in found.items() for cohort, users, _ in rows or ()}

    def _read(self, first: int) -> dict[int, list[Row]]:
        """The rows of the periods from this number on."""
        cohorts = self.begin[: self.windows + 1]
        edges = days.edges(cohorts[0], self._last_day(cohorts), self.asking.scope.tz)[:: self.period_days]
        rows = self.asking.rows(
            "retention",
            cohorts=edges,
            newcomers_since=self.since,
            periods=len(self.begin) - first,
            **self._told_by(first),
        )
        of_cohort = {edges.index(at): (who, users) for at, who, users in rows}
        return {
            number: [
                (cohort, users[number - first], who)
                for cohort, (who, users) in of_cohort.items()
                if cohort <= number
            ]
            for number in range(first, len(self.begin))
        }

    def _told_by(self, first: int) -> dict[str, Any]:
        return self.asking.told_by(self.begin[first], self._last_day(self.begin), self.period_days)

    def _last_day(self, begin: Sequence[date]) -> date:
        return begin[-1] + (self.period_days - 1) * days.DAY


def _newcomers(rows: Sequence[Row] | None, upto: int) -> set[tuple[int, Who]]:
    """Who belonged to each cohort, up to that number, when the rows of a period were read."""
    return {(cohort, who) for cohort, _, who in rows or () if cohort <= upto}
