"""A clock that stands where a test puts it."""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass
class StandingClock:
    """Time that moves only when told."""

    at: datetime = datetime(2026, 11, 21, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        """Wait for nothing."""
