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
    """What is done about a step that failed and may work later. Safe to share between threads."""

    def __init__(self, back_off: BackOff, *, random: Random, watch: Watch) -> None:
        self._back_off = back_off
        self._random = random
        self._watch = watch
        self._log = structlog.get_logger()

    def call(
        self, step: str, action: Callable[[], T], *, wait: Callable[[float], None], of: str = ""
    ) -> tuple[T, int]:
        """The result of `action`, and how often it had failed before. Between attempts `wait(seconds)` runs;
        it may raise to give up. `of` names what the step is done to."""
        attempt = 0
        try:
            while True:
                try:
                    return action(), attempt
                except Retryable as error:
                    attempt += 1
                    wait(self.failed(step, attempt, error, of=of))
        finally:
            if attempt:
                self.over(step, attempt, of=of)

    def failed(self, step: str, attempt: int, error: Retryable, *, of: str = "") -> float:
        """Note the failure; how many seconds to wait before the next attempt."""
        self._watch.retried(step, str(error), of=of)
        delay_s = self._back_off.delay_s(attempt, self._random)
        if attempt & (attempt - 1) == 0:
            self._log.warning(
                "step_failed",
                step=step,
                of=of,
                attempt=attempt,
                retry_in_ms=round(delay_s * 1000),
                reason=str(error),
            )
        return delay_s

    def over(self, step: str, attempts: int, *, of: str = "") -> None:
        """The step is no longer retried: it worked, or was given up."""
        self._watch.recovered(step, of=of)
        self._log.info("step_no_longer_retried", step=step, of=of, attempts_failed=attempts)
