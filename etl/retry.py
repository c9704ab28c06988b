"""Try again, for ever: an outage has no attempt limit, because the log keeps what we have not moved.

Pauses grow and are drawn at random between nothing and their bound (full jitter), so that processes that
failed together do not come back together. The log line is bounded too: attempts 1, 2, 4, 8, …
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TypeVar

import structlog

from etl.errors import Retryable
from etl.watch import Watch

T = TypeVar("T")

DOUBLINGS_MAX = 20


@dataclass(frozen=True, slots=True)
class BackOff:
    """How long to wait before attempt n + 1."""

    first_ms: int
    max_ms: int

    def delay_s(self, attempt: int, random: Random) -> float:
        """Anything from 0 to the bound of this attempt."""
        bound_ms = min(self.max_ms, self.first_ms * 2 ** min(attempt - 1, DOUBLINGS_MAX))
        return random.uniform(0, bound_ms) / 1000


class Retry:
    """Repeats one call until it succeeds or raises something else than Retryable."""

    def __init__(self, back_off: BackOff, *, random: Random, watch: Watch) -> None:
        self._back_off = back_off
        self._random = random
        self._watch = watch
        self._log = structlog.get_logger()

    def call(self, step: str, action: Callable[[], T], *, wait: Callable[[float], None]) -> T:
        """The result of `action`. Between attempts `wait(seconds)` runs; it may raise to give up."""
        attempt = 0
        try:
            while True:
                try:
                    return action()
                except Retryable as error:
                    attempt += 1
                    wait(self._note(step, attempt, error))
        finally:
            if attempt:
                self._watch.recovered()
                self._log.info("step_no_longer_retried", step=step, attempts_failed=attempt)

    def _note(self, step: str, attempt: int, error: Retryable) -> float:
        self._watch.retried(step, str(error))
        delay_s = self._back_off.delay_s(attempt, self._random)
        if attempt & (attempt - 1) == 0:
            self._log.warning(
                "step_failed",
                step=step,
                attempt=attempt,
                retry_in_ms=round(delay_s * 1000),
                reason=str(error),
            )
        return delay_s
