"""Quotas of roles.xml: how much a user may ask for in an interval, as a ClickHouse server counts it.

Intervals are cut on the clock, not from a user's first question. Counts live in this process and begin anew
with it. What one question reads and takes is known when it has ended, so it is the next one that is refused.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from embedded.warehouse.errors import Refused
from telemetry.clock import Clock

MEASURES = ("queries", "errors", "read_rows", "execution_time")


@dataclass(frozen=True, slots=True)
class Quota:
    """What one user may use within `duration_s`; a measure that is missing is counted by nobody."""

    duration_s: int
    most: Mapping[str, float]


@dataclass(slots=True)
class Charge:
    """What one question has used; filled in while it runs."""

    read_rows: int = 0


@dataclass(slots=True)
class _Used:
    interval: int = -1
    amounts: dict[str, float] = field(default_factory=lambda: dict.fromkeys(MEASURES, 0.0))


class Quotas:
    """What every user has used of its quota. Safe to share between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._used: dict[str, _Used] = {}

    @contextmanager
    def charged(self, user: str, quota: Quota | None) -> Iterator[Charge]:
        """Count one question. Raises Refused, and runs nothing, when there is no room for it."""
        charge = Charge()
        if quota is None or not quota.most:
            yield charge
            return
        self._begin(user, quota)
        started_s = self._clock.monotonic()
        failed = False
        try:
            yield charge
        except Refused:
            failed = True
            raise
        finally:
            took_s = self._clock.monotonic() - started_s
            self._end(user, quota, errors=float(failed), read_rows=charge.read_rows, execution_time=took_s)

    def _begin(self, user: str, quota: Quota) -> None:
        with self._lock:
            used = self._of(user, quota)
            wanted = {**used.amounts, "queries": used.amounts["queries"] + 1}
            for measure, most in quota.most.items():
                if wanted[measure] > most:
                    raise self._exceeded(user, quota, measure, wanted[measure])
            used.amounts = wanted

    def _end(self, user: str, quota: Quota, **amounts: float) -> None:
        with self._lock:
            used = self._of(user, quota)
            for measure, amount in amounts.items():
                used.amounts[measure] += amount

    def _of(self, user: str, quota: Quota) -> _Used:
        interval = int(self._clock.now().timestamp()) // quota.duration_s
        used = self._used.get(user)
        if used is None or used.interval != interval:
            used = self._used[user] = _Used(interval)
        return used

    def _exceeded(self, user: str, quota: Quota, measure: str, wanted: float) -> Refused:
        ends_s = (int(self._clock.now().timestamp()) // quota.duration_s + 1) * quota.duration_s
        return Refused(
            201,
            "QUOTA_EXCEEDED",
            f"Quota for user `{user}` for {quota.duration_s}s has been exceeded: "
            f"{measure} = {wanted:g}/{quota.most[measure]:g}. "
            f"Interval will end at {datetime.fromtimestamp(ends_s, UTC):%Y-%m-%d %H:%M:%S} UTC.",
        )
