"""What the pipeline says of itself while it runs: metrics for graphs, and a state for health checks.

Written by the pipeline's thread and read by the server's; every field is replaced whole, so no lock.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from telemetry.clock import Clock
from telemetry.health import NotReady
from telemetry.metrics import Metrics


class Watch:
    """Times and counts every step by its name, and knows whether the whole is moving."""

    def __init__(self, metrics: Metrics, *, clock: Clock, stalled_after_ms: int) -> None:
        self._clock = clock
        self._stalled_after_s = stalled_after_ms / 1000
        self._step_seconds = metrics.histogram("ugc_etl_step_seconds")
        self._range_rows = metrics.histogram("ugc_etl_range_rows")
        self._rows_inserted = metrics.counter("ugc_etl_rows_inserted_total")
        self._duplicates = metrics.counter("ugc_etl_duplicates_total")
        self._conflicts = metrics.counter("ugc_etl_conflicts_total")
        self._dead_letters = metrics.counter("ugc_etl_dead_letters_total")
        self._retries = metrics.counter("ugc_etl_retries_total")
        self._lag_events = metrics.gauge("ugc_etl_lag_events")
        self._last_commit_at = metrics.gauge("ugc_etl_last_commit_at_seconds")
        self._lag: Mapping[int, int] = {}
        self._joined = False
        self._trouble = ""
        self._looped_at = self._moved_at = clock.monotonic()

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens inside, when it succeeds."""
        started = self._clock.monotonic()
        yield
        self._step_succeeded(name, self._clock.monotonic() - started)

    def _step_succeeded(self, name: str, seconds: float) -> None:
        self._step_seconds.labels(step=name).observe(seconds)

    def looped(self, *, joined: bool, lag: Mapping[int, int]) -> None:
        """The loop came round; `lag` is what it knows of each of its partitions."""
        self._looped_at = self._clock.monotonic()
        self._joined = joined
        for partition in self._lag.keys() - lag.keys():
            self._lag_events.remove(str(partition))
        for partition, events in lag.items():
            self._lag_events.labels(partition=str(partition)).set(events)
        self._lag = dict(lag)
        if not any(lag.values()):
            self._moved_at = self._looped_at

    def moved(self, *, messages: int, rows: int, duplicates: int, conflicts: int, dead: Counter[str]) -> None:
        """One range is stored and committed."""
        self._range_rows.observe(messages)
        self._rows_inserted.inc(rows)
        self._duplicates.inc(duplicates)
        self._conflicts.inc(conflicts)
        for reason, letters in dead.items():
            self._dead_letters.labels(reason=reason).inc(letters)
        self._last_commit_at.set(self._clock.now().timestamp())
        self._moved_at = self._clock.monotonic()

    def retried(self, step: str, reason: str) -> None:
        """A step failed and will be tried again."""
        self._retries.labels(step=step).inc()
        self._trouble = f"{step}: {reason}"

    def recovered(self) -> None:
        """The step that failed has succeeded."""
        self._trouble = ""

    def check_log(self) -> None:
        """Raise NotReady unless the broker has told us our partitions."""
        if not self._joined:
            raise NotReady("no partitions yet: waiting for the broker; is it up, has `ugc migrate` run?")

    def check_moving(self) -> None:
        """Raise NotReady while a step keeps failing, or messages wait and none moves. Idle is fine."""
        if self._trouble:
            raise NotReady(self._trouble)
        still_s = self._clock.monotonic() - self._moved_at
        waiting = sum(self._lag.values())
        if waiting and still_s > self._stalled_after_s:
            raise NotReady(f"{waiting} messages wait and none has moved for {still_s:.0f} s")

    def silent_s(self) -> float:
        """How long ago the loop last came round."""
        return self._clock.monotonic() - self._looped_at
