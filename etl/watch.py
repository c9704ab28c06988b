"""What the pipeline says of itself while it runs: metrics for graphs, and a state for health checks.

Written by the main thread and the loaders, read by the server's; every field is replaced whole.
"""

import math
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from telemetry.clock import Clock
from telemetry.health import NotReady
from telemetry.metrics import Metrics
from telemetry.series import Gauge


class Watch:
    """Times and counts every step by its name, and knows whether the whole is moving."""

    def __init__(self, metrics: Metrics, *, clock: Clock, stalled_after_ms: int, loaders: int) -> None:
        self._clock = clock
        self._loaders = loaders
        self._stalled_after_s = stalled_after_ms / 1000
        self._step_seconds = metrics.histogram("ugc_etl_step_seconds")
        self._range_rows = metrics.histogram("ugc_etl_range_rows")
        self._rows_inserted = metrics.counter("ugc_etl_rows_inserted_total")
        self._rows_mended = metrics.counter("ugc_etl_rows_mended_total")
        self._drift = metrics.counter("ugc_etl_drift_found_total")
        self._duplicates = metrics.counter("ugc_etl_duplicates_total")
        self._conflicts = metrics.counter("ugc_etl_conflicts_total")
        self._dead_letters = metrics.counter("ugc_etl_dead_letters_total")
        self._retries = metrics.counter("ugc_etl_retries_total")
        self._lag_events = metrics.gauge("ugc_etl_lag_events")
        self._lag_seconds = metrics.gauge("ugc_etl_lag_seconds")
        self._freshness = metrics.gauge("ugc_etl_freshness_seconds")
        self._last_commit_at = metrics.gauge("ugc_etl_last_commit_at_seconds")
        self._lag: Mapping[int, int] = {}
        self._newest_at_s: dict[int, float] = {}
        self._canary_at_s: dict[int, float] = {}
        # Until here everything of our partitions is known to be visible; NaN, and not told, when nothing is.
        self._seen_until_s = math.nan
        self._joined = False
        self._trouble: dict[tuple[str, str], str] = {}
        self._trouble_lock = threading.Lock()
        self._looped_at = clock.monotonic()
        # By partition: when a range of it was committed last, or nothing of it waited.
        self._moved_at: dict[int, float] = {}

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
        now_s = self._clock.now().timestamp()
        for partition in self._lag.keys() - lag.keys():
            self._forget(partition)
        for partition, events in lag.items():
            newest = self._newest_at_s.get(partition)
            behind_s = max(0.0, now_s - newest) if events and newest is not None else 0.0
            self._lag_events.labels(partition=str(partition)).set(events)
            self._lag_seconds.labels(partition=str(partition)).set(behind_s)
        self._lag = dict(lag)
        if lag and self._canary_at_s.keys() >= lag.keys():
            self._seen_until_s = min(self._canary_at_s[partition] for partition in lag)
        elif joined and not lag:
            self._seen_until_s = math.nan
        # Partitions that were lost, and one whose canary is under way, leave it ageing.
        self._freshness.set(now_s - self._seen_until_s)
        self._moved_at = {
            partition: self._moved_at.get(partition, self._looped_at) if events else self._looped_at
            for partition, events in lag.items()
        }

    def moved(  # noqa: PLR0913 - what there is to count of a range
        self,
        partition: int,
        *,
        messages: int,
        rows: int,
        duplicates: int,
        conflicts: int,
        dead: Counter[str],
        mended: int = 0,
        newest_at_ms: int = 0,
        canary_sent_at_ms: int | None = None,
    ) -> None:
        """One range is stored and committed."""
        self._range_rows.observe(messages)
        self._rows_inserted.inc(rows)
        self._rows_mended.inc(mended)
        self._duplicates.inc(duplicates)
        self._conflicts.inc(conflicts)
        for reason, letters in dead.items():
            self._dead_letters.labels(reason=reason).inc(letters)
        self._newest_at_s[partition] = newest_at_ms / 1000
        if canary_sent_at_ms is not None:
            self._canary_at_s[partition] = canary_sent_at_ms / 1000
        self._last_commit_at.set(self._clock.now().timestamp())
        self._moved_at = {**self._moved_at, partition: self._clock.monotonic()}

    def drifted(self) -> None:
        """Somewhere the table and what is counted from it disagree, and nothing says which is right."""
        self._drift.inc()

    def retried(self, step: str, reason: str, *, of: str = "") -> None:
        """A step failed and will be tried again."""
        self._retries.labels(step=step).inc()
        with self._trouble_lock:
            self._trouble = {**self._trouble, (step, of): f"{step}: {reason}"}

    def recovered(self, step: str, *, of: str = "") -> None:
        """The step that failed has succeeded, or was given up."""
        with self._trouble_lock:
            self._trouble = {key: said for key, said in self._trouble.items() if key != (step, of)}

    def check_log(self) -> None:
        """Raise NotReady unless the broker has told us our partitions."""
        if not self._joined:
            raise NotReady("no partitions yet: waiting for the broker; is it up, has `ugc migrate` run?")

    def check_moving(self) -> None:
        """Raise NotReady while a step keeps failing, or messages wait and none moves: in all partitions, or
        in one that has had time for a turn of each that waits. Idle is fine."""
        if trouble := next(iter(self._trouble.values()), ""):
            raise NotReady(trouble)
        now, moved_at, lag = self._clock.monotonic(), self._moved_at, self._lag
        still = {each: now - moved_at.get(each, now) for each, waits in lag.items() if waits}
        if still and min(still.values()) > self._stalled_after_s:
            waiting = sum(lag.values())
            raise NotReady(f"{waiting} messages wait and none has moved for {min(still.values()):.0f} s")
        turns = math.ceil(len(still) / self._loaders)
        for partition, still_s in still.items():
            if still_s > self._stalled_after_s * turns:
                raise NotReady(
                    f"{lag[partition]} messages wait in partition {partition} and none has moved for "
                    f"{still_s:.0f} s; has it a leader?"
                )

    def silent_s(self) -> float:
        """How long ago the loop last came round."""
        return self._clock.monotonic() - self._looped_at

    def _forget(self, partition: int) -> None:
        by_partition: tuple[Gauge, ...] = (self._lag_events, self._lag_seconds)
        for gauge in by_partition:
            gauge.remove(str(partition))
        self._newest_at_s.pop(partition, None)
        self._canary_at_s.pop(partition, None)
