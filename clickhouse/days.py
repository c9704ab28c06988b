"""Days of a time zone, and the instants of UTC at which they begin.

One truth for every answer: the warehouse is told when each day begins, and never asked about zones. Its own list
of them is of another year than ours, and a day that began at another instant there would be counted apart.
Every zone of today begins its days on a quarter hour of UTC, days of 23 and 25 hours included.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

QUARTER_HOUR = timedelta(minutes=15)
DAY = timedelta(days=1)


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


def edges(first: date, last: date, tz: str) -> list[int]:
    """Where each day from `first` to `last` begins and the last one ends, in seconds since 1970."""
    return [int(start_of(day, tz).timestamp()) for day in days_between(first, last + DAY)]
