"""Time as an argument. Everything that reads a clock or sleeps is handed one of these."""

import time
from datetime import UTC, datetime
from typing import Protocol

# The usual one stands still while a machine is suspended, and what is ours may be somebody else's afterwards.
_GROWING = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    """What the product needs of time."""

    def now(self) -> datetime:
        """The wall clock: aware, UTC. For what is stored or shown, never for measuring."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow, also while the machine is suspended. For measuring and for deadlines."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait this long."""
        ...


class SystemClock:
    """The real one: the only place that touches the `time` module's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_GROWING)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
