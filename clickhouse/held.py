"""Which days the warehouse still holds, by the clock: questions never look beyond, answers say so."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from clickhouse import days
from clickhouse.views import AGGREGATES_KEPT_DAYS, RAW_KEPT_DAYS


@dataclass(frozen=True, slots=True)
class Memory:
    """What is held by tables that keep `kept_days` days, seen from `now`, in days of the zone `tz`.

    `whole_since` is the oldest day of the zone all of whose UTC days are still there.
    """

    whole_since: date
    newest: date

    @classmethod
    def of(cls, tz: str, kept_days: int, now: datetime) -> "Memory":
        oldest = now.astimezone(UTC).date() - (kept_days - 1) * days.DAY
        since = days.day_of(datetime.combine(oldest, time(), UTC), tz)
        if days.start_of(since, tz).date() < oldest:
            since += days.DAY
        # An event may be of a few minutes ahead.
        return cls(since, days.day_of(now, tz) + days.DAY)

    def askable(self, first: date, last: date) -> tuple[date, date] | None:
        """The days of first..last of which there can be anything at all; None when there are none.

        A little more than is held whole: what a day is left with is answered too.
        """
        first, last = max(first, self.whole_since - 3 * days.DAY), min(last, self.newest)
        return (first, last) if first <= last else None


def memory_of(tz: str, *, raw: bool, now: datetime) -> Memory:
    """What events_raw holds or, when not `raw`, the aggregates."""
    return Memory.of(tz, RAW_KEPT_DAYS if raw else AGGREGATES_KEPT_DAYS, now)
