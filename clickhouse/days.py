"""Days of a time zone, in the warehouse's own coin: instants of UTC, and quarter hours of UTC days.

One truth for every question: the warehouse is told when a day begins and is never asked about zones. Every
zone of today begins its days on a quarter hour of UTC, days of 23 and 25 hours included.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER_HOUR = timedelta(minutes=15)
QUARTER_HOURS_OF_DAY = 96
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """The part of a UTC day that belongs to one span of local days: bit n of `mask` is its n-th quarter hour."""

    utc_day: date
    span: int
    mask: int


def start_of(day: date, tz: str) -> datetime:
    """The first instant of `day` in the zone, in UTC: 00:00 there, or later where the clocks leap over it."""
    zone = ZoneInfo(tz)
    at = datetime.combine(day, time(), zone).astimezone(UTC)
    # Where midnight is leapt over, its instant lies on one side or the other of the leap.
    while (at - QUARTER_HOUR).astimezone(zone).date() >= day:
        at -= QUARTER_HOUR
    while at.astimezone(zone).date() < day:
        at += QUARTER_HOUR
    return at


def day_of(at: datetime, tz: str) -> date:
    """The day in the zone on which an aware time falls."""
    return at.astimezone(ZoneInfo(tz)).date()


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included."""
    return [first + DAY * n for n in range((last - first).days + 1)]


def edges(firsts: Sequence[date], tz: str) -> list[datetime]:
    """Where each span of days begins, given the first day of each and the day after the last one."""
    return [start_of(day, tz) for day in firsts]


def pieces(edges_at: Sequence[datetime]) -> list[Piece]:
    """What each UTC day gives to each span between two neighbouring edges, by span and day.

    An edge inside a quarter hour, as some zones had a century ago, is taken for the beginning of it.
    """
    found = []
    for span, (begin, end) in enumerate(zip(edges_at, edges_at[1:], strict=False)):
        found += [Piece(day, span, mask) for day, mask in _masks(begin, end)]
    return found


def _masks(begin: datetime, end: datetime) -> Iterator[tuple[date, int]]:
    day = begin.date()
    while (midnight := datetime.combine(day, time(), UTC)) < end:
        first = max(0, (begin - midnight) // QUARTER_HOUR)
        after = min(QUARTER_HOURS_OF_DAY, (end - midnight) // QUARTER_HOUR)
        if after > first:
            yield day, (1 << after) - (1 << first)
        day += DAY
