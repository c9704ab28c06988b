"""What tests of the pipeline tell it: the time, and what goes wrong and when."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)


class Crash(BaseException):
    """The process ends here; nothing after this line runs."""


class ToldClock:
    """Time that passes when somebody waits."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Faults:
    """What goes wrong: by the order of the points where something can, or at the points named.

    A fault is an error to raise, or something else to happen just then.
    """

    def __init__(self, plan: Iterable[Any] = ()) -> None:
        self.plan = list(plan)
        self.named: dict[str, list[Any]] = {}
        self.seen: list[str] = []

    def at(self, point: str) -> None:
        self.seen.append(point)
        named = self.named.get(point)
        fault = named.pop() if named else self.plan.pop(0) if self.plan else None
        if isinstance(fault, BaseException):
            raise fault
        if fault is not None:
            fault()
