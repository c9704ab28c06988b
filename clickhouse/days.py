"""Days of a time zone, and the instants of UTC at which they begin.

One truth for every answer: the warehouse is told when each day begins, and never asked about zones. Its own
list of them may be of another year than ours: a day that began at another instant there would be counted
apart. Every zone of today begins its days on a quarter hour of UTC, days of 23 and 25 hours included.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

from clickhouse import zones

QUARTER_HOUR = timedelta(minutes=15)
DAY = timedelta(days=1)
EPOCH = date(1970, 1, 1)
QUARTER_HOUR_S = 900
DAY_S = 86_400
QUARTER_HOURS_OF_DAY = 96
WHOLE_DAY = (1 << QUARTER_HOURS_OF_DAY) - 1


def start_of(day: date, tz: str) -> datetime:
    """The first instant of `day` in the zone, in UTC: 00:00 there, or later where the clocks leap over it."""
    zone = zones.zone(tz)
    at = datetime.combine(day, time(), zone).astimezone(UTC)
    # Where midnight is leapt over, its instant lies on one side or the other of the leap.
    while (at - QUARTER_HOUR).astimezone(zone).date() >= day:
        at -= QUARTER_HOUR
    while at.astimezone(zone).date() < day:
        at += QUARTER_HOUR
    return at


def day_of(at: datetime, tz: str) -> date:
    """The day in the zone on which an aware time falls."""
    return at.astimezone(zones.zone(tz)).date()


def days_between(first: date, last: date) -> list[date]:
    """Every day from `first` to `last`, both included."""
    return [first + DAY * n for n in range((last - first).days + 1)]


def edges(first: date, last: date, tz: str) -> list[int]:
    """Where each day from `first` to `last` begins and the last one ends, in seconds since 1970."""
    return [int(start_of(day, tz).timestamp()) for day in days_between(first, last + DAY)]


def of_utc(edges_at: Sequence[int]) -> bool:
    """Whether days that begin and end there do so with days of UTC; they have the same dates then."""
    return all(at % DAY_S == 0 for at in edges_at)


def marks(edges_at: Sequence[int], bits: Sequence[int]) -> dict[str, Any]:
    """How the quarter hours of UTC days are shared out among spans of time, as the questions take it.

    `bits[n]` stands for what lies between the n-th edge and the next. A UTC day is shared by two of them at
    most, as no day of any zone is shorter than 22 hours, or lies inside a UTC day.
    """
    shared: dict[int, list[tuple[int, int]]] = {}
    for bit, (begin, end) in zip(bits, pairwise(edges_at), strict=True):
        at, last = begin // QUARTER_HOUR_S, end // QUARTER_HOUR_S
        while at < last:
            day, first = divmod(at, QUARTER_HOURS_OF_DAY)
            after = min(QUARTER_HOURS_OF_DAY, first + last - at)
            shared.setdefault(day, []).append(((1 << after) - (1 << first), bit))
            at += after - first
    found = [[*shared[day], (0, 0)][:2] for day in sorted(shared)]
    return {
        "utc_first": EPOCH + min(shared) * DAY,
        "utc_last": EPOCH + max(shared) * DAY,
        "early_masks": [early[0] for early, _ in found],
        "early_bits": [early[1] for early, _ in found],
        "late_masks": [late[0] for _, late in found],
        "late_bits": [late[1] for _, late in found],
        "whole_days": all(early[0] == WHOLE_DAY for early, _ in found),
    }
