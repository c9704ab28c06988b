"""Ctrl-C and SIGTERM as questions, for what must end in order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from types import FrameType

from telemetry.clock import Clock
from telemetry.errors import OperatorError

LOOK_EVERY_S = 0.5


@dataclass(slots=True)
class Stopping:
    """What was asked so far. Called, it says whether to stop."""

    signals: list[int] = field(default_factory=list)

    def __call__(self) -> bool:
        return bool(self.signals)

    def hurried(self) -> bool:
        """Whether Ctrl-C came again: another SIGTERM or SIGHUP may come of one and the same wish."""
        return signal.SIGINT in self.signals[1:]

    def note(self, number: int, _: FrameType | None) -> None:
        self.signals.append(number)


class Stopped(OperatorError):  # noqa: N818 - what happened, said to a person
    """Somebody asked to stop while something was waited for."""


@dataclass(frozen=True, slots=True)
class Waking:
    """A clock whose sleeps end, with Stopped, when somebody asks to stop."""

    clock: Clock
    stopping: Stopping

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while (left_s := until - self.clock.monotonic()) > 0 and not self.stopping():
            self.clock.sleep(min(left_s, LOOK_EVERY_S))
        if self.stopping():
            raise Stopped("asked to stop")


@contextmanager
def stop_signals() -> Iterator[Stopping]:
    """Inside, Ctrl-C and SIGTERM no longer end this process: they are noted in what is yielded."""
    stopping = Stopping()
    asked = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {each: signal.signal(each, stopping.note) for each in asked}
    try:
        yield stopping
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
