"""Every answer worked out from a list of events: slow, and meant to be believed at a glance.

Nothing here comes from the product: a day is what `zoneinfo` says, by the package `tzdata` and not by the
system, users are sets, first is least.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo, reset_tzpath

from properties.conditions import Condition

reset_tzpath(to=())

DAY = timedelta(days=1)
PERIOD_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Event:
    """What the warehouse knows of one event, as far as any answer needs it."""

    at: datetime
    user: str
    type: str
    properties: str = "{}"
    value: float = 0.0
    bot: bool = False


class Oracle:
    """Answers about `events` to somebody in `tz` who asks at `now`, with bots or not, about some segments."""

    def __init__(
        self,
        events: Iterable[Event],
        *,
        now: datetime,
        tz: str = "UTC",
        bots: bool = False,
        segments: Sequence[Condition] = (),
    ) -> None:
        self._zone = ZoneInfo(tz)
        self.today = self.day_of(now)
        self._of_day: dict[date, list[Event]] = {}
        self._first_day: dict[str, date] = {}
        for event in events:
            if event.bot and not bots:
                continue
            if all(segment.holds(event.type, event.properties) for segment in segments):
                day = self.day_of(event.at)
                self._of_day.setdefault(day, []).append(event)
                self._first_day[event.user] = min(day, self._first_day.get(event.user, day))

    def day_of(self, at: datetime) -> date:
        """The day on a calendar on the wall there."""
        return at.astimezone(self._zone).date()

    def within(self, first: date, last: date) -> list[Event]:
        """The events of these days, both included."""
        return [event for day in days(first, last) for event in self._of_day.get(day, [])]

    def users(self, first: date, last: date) -> set[str]:
        """Who was there on any of these days."""
        return {event.user for event in self.within(first, last)}

    def newcomers(self, first: date, last: date) -> set[str]:
        """Whose first event of all lies on one of these days."""
        return {user for user, day in self._first_day.items() if first <= day <= last}

    def dau(self, first: date, last: date) -> list[tuple[date, int]]:
        """Date, users."""
        return [(day, len(self.users(day, day))) for day in days(first, last)]

    def top_events(self, first: date, last: date, limit: int) -> list[tuple[str, int]]:
        """Event type, count."""
        counts = Counter(event.type for event in self.within(first, last))
        return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:limit]

    def daily(self, first: date, last: date) -> list[tuple[date, str, int, float, int]]:
        """Date, event type, users, points, actions."""
        rows = []
        for day in days(first, last):
            there = self._of_day.get(day, [])
            for name in sorted({event.type for event in there}):
                of_it = [event for event in there if event.type == name]
                users = {event.user for event in of_it}
                rows.append((day, name, len(users), sum(event.value for event in of_it), len(of_it)))
        return rows

    def retention(
        self, start: date, windows: int, period: str
    ) -> list[tuple[date, int, list[int | None], int | None]]:
        """Cohort, size, how many came in each window (None: not begun), and which window runs today.

        The cohort of `start` and those of the `windows` periods after it, each with as many windows.
        """
        length = PERIOD_DAYS[period] * DAY
        rows = []
        for number in range(windows + 1):
            cohort = start + number * length
            if cohort > self.today:
                break
            members = self.newcomers(cohort, cohort + length - DAY)
            users: list[int | None] = []
            running = None
            for window in range(windows + 1):
                begins = cohort + window * length
                ends = begins + length - DAY
                users.append(len(members & self.users(begins, ends)) if begins <= self.today else None)
                if begins <= self.today <= ends:
                    running = window
            rows.append((cohort, len(members), users, running))
        return rows

    def retention_7d(self, first: date, last: date) -> list[tuple[date, int, int]]:
        """Date, users of that day, and how many of them came on one of the seven days after."""
        rows = []
        for day in days(first, last):
            there = self.users(day, day)
            rows.append((day, len(there), len(there & self.users(day + DAY, day + 7 * DAY))))
        return rows

    def returning(self, day: date, before: int) -> list[str]:
        """Who was there that day and on any of so many days before, in order."""
        return sorted(self.users(day, day) & self.users(day - before * DAY, day - DAY))


def days(first: date, last: date) -> list[date]:
    """From `first` to `last`, both included."""
    return [first + number * DAY for number in range((last - first).days + 1)]


def is_percent(said: float | None, part: int, whole: int) -> bool:
    """Whether `said` is `part` of `whole` in percent with two decimals, whichever way a half is rounded."""
    if whole == 0:
        return said is None
    if said is None or round(said, 2) != said:
        return False
    # What is said was rounded to a float after it was rounded to two decimals.
    return abs(Fraction(said) - Fraction(100 * part, whole)) <= Fraction(5, 1000) + Fraction(1, 10**9)
