"""What is asked of the generator, and the span of time it may fill."""

from dataclasses import dataclass

from contract.limits import DAY_MS, OCCURRED_AGE_MS_MAX

HOUR_MS = 3_600_000
# The collector refuses what is older than 30 days: a month that is generated stays young enough to be sent
# for so long.
SENDABLE_FOR_MS = 6 * HOUR_MS
DAYS_MAX = OCCURRED_AGE_MS_MAX // DAY_MS
EVENTS_MAX = 100_000_000
USERS_MAX = 1_000_000
COPIES_SHARE = 0.005
COPIES_SHARE_MAX = 0.5


@dataclass(frozen=True, slots=True)
class Plan:
    """The same plan makes the same events, byte by byte. `events` counts the copies among them, too."""

    events: int
    users: int
    days: int
    seed: int
    ends_at_ms: int
    copies_share: float = COPIES_SHARE

    @property
    def begins_at_ms(self) -> int:
        """`days` before the end; a whole month begins a few hours later, so that it can still be sent."""
        youngest_ms = self.ends_at_ms - OCCURRED_AGE_MS_MAX + SENDABLE_FOR_MS
        return max(self.ends_at_ms - self.days * DAY_MS, youngest_ms)

    @property
    def copies(self) -> int:
        """How many of the events are sent again."""
        return min(round(self.events * self.copies_share), self.events // 2)

    @property
    def originals(self) -> int:
        """How many different events there are."""
        return self.events - self.copies
