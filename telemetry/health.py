"""Readiness as a list of named checks: each dependency brings its own, so none is forgotten."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telemetry.clock import Clock


class NotReady(Exception):  # noqa: N818 - a state, not a fault of the program
    """A dependency cannot serve now; the message says what is wrong and what to look at."""


Check = Callable[[], None]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What one check said and how long it took to say it."""

    ready: bool
    message: str
    elapsed_ms: float


def run_checks(checks: Mapping[str, Check], *, clock: Clock) -> dict[str, CheckResult]:
    """Run every check, in order; one that raises anything at all counts as not ready, with its reason."""
    results: dict[str, CheckResult] = {}
    for name, check in checks.items():
        started = clock.monotonic()
        try:
            check()
            ready, message = True, "ok"
        except NotReady as reason:
            ready, message = False, str(reason)
        except Exception as error:  # noqa: BLE001 - a check that breaks is a dependency that is not ready
            ready, message = False, f"{type(error).__name__}: {error}"
        results[name] = CheckResult(ready, message, round((clock.monotonic() - started) * 1000, 1))
    return results
