"""A log, a warehouse and a letter box in memory, the pipelines between them, and what tests ask of these.

The parts in memory keep the promises of the real ones (the behavioural suites run on both) and fail on
demand: before an effect, after it (the effect is there, the answer is lost), or by ending the process
on the spot.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from pipeline.memory_log import MemoryLog, MemorySource
from pipeline.memory_store import MemoryLetters, MemoryStore
from pipeline.told import NOW_MS, Faults, ToldClock

from contract.reading import Event
from contract.wire import Arrival, encode
from etl.brake import Brake
from etl.cutting import Cut, CutLimits, Cutter
from etl.dedup import Dedup
from etl.loading import Finished, Loader, LoaderThreads
from etl.pipeline import Pipeline
from etl.retry import BackOff, Retry
from etl.watch import Watch
from telemetry.metrics import Metrics


class InlineLoaders:
    """Loads in the main thread, when it asks what has finished: always the same order."""

    def __init__(self, load: Callable[[Cut], Finished]) -> None:
        self._load = load
        self.waiting: list[Cut] = []

    @property
    def idle(self) -> int:
        return 1

    def start(self, cut: Cut) -> None:
        self.waiting.append(cut)

    def finished(self, timeout_s: float) -> list[Finished]:  # noqa: ARG002
        return [self._load(self.waiting.pop(0))] if self.waiting else []

    def close(self) -> None:
        return


@dataclass
class World:
    """A log, a warehouse and a letter box, and pipelines that come and go between them."""

    log: MemoryLog = field(default_factory=MemoryLog)
    store: MemoryStore = field(default_factory=MemoryStore)
    letters: MemoryLetters = field(default_factory=MemoryLetters)
    clock: Any = field(default_factory=ToldClock)
    faults: Faults = field(default_factory=Faults)
    metrics: Metrics = field(default_factory=Metrics)
    limits: CutLimits = field(default_factory=lambda: CutLimits(5, 10_000, 500))
    back_off: BackOff = field(default_factory=lambda: BackOff(100, 5_000))
    buffer_bytes_max: int = 100_000
    # One thread does both here: nobody could confirm while it loads.
    sure_for_s: float = float("inf")
    dead_run_max: int = 1_000
    threads: int = 0
    stopping: bool = False

    def __post_init__(self) -> None:
        self.store.faults = self.letters._faults = self.faults

    def watch(self) -> Watch:
        return Watch(self.metrics, clock=self.clock, stalled_after_ms=30_000, loaders=1)

    def process(self, watch: Watch | None = None, **of_source: Any) -> Any:
        """One ETL process: its source and its pipeline."""
        watch = watch or self.watch()
        source = MemorySource(self.log, clock=self.clock, faults=self.faults, **of_source)
        retry = Retry(self.back_off, random=Random(7), watch=watch)
        loader = Loader(
            self.store,
            self.letters,
            dedup=Dedup(self.store, seen_bytes_max=0),
            brake=Brake(ratio_max=1.0, run_max=self.dead_run_max, window=10_000),
            retry=retry,
            watch=watch,
            clock=self.clock,
            pause=self.clock.sleep,
            stopping=lambda: self.stopping,
            sure_for_s=self.sure_for_s,
        )
        loaders: Any = LoaderThreads(loader, threads=self.threads) if self.threads else InlineLoaders(loader)
        pipeline = Pipeline(
            source,
            loaders,
            cutter=Cutter(self.limits, clock=self.clock),
            retry=retry,
            watch=watch,
            clock=self.clock,
            stopping=lambda: self.stopping,
            buffer_bytes_max=self.buffer_bytes_max,
            finish_within_s=8,
            confirm_every_s=2,
        )
        return SimpleNamespace(source=source, pipeline=pipeline, watch=watch, loaders=loaders)

    def drain(self, process: Any) -> None:
        """Run until everything in the log is committed."""
        rounds = 0
        while any(len(r) > self.log.committed.get(n, 0) for n, r in self.log.records.items()):
            process.pipeline.run_once()
            rounds += 1
            assert rounds < 10_000, "the log does not drain"

    def value(self, metric: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0

    def rows_by_id(self) -> Counter[str]:
        return Counter(row["event_id"] for row in self.store.rows)

    def each_once(self) -> bool:
        """Every row is there once, and counted once."""
        return (
            len(self.store.rows) == len(self.rows_by_id())
            and {place: len(rows) for place, rows in self.store.raw.items() if rows} == +self.store.counts
        )


def make_record(number: int, *, received_at_ms: int = NOW_MS, **changes: Any) -> Any:
    """The codec's record of an event that is known by its number; `changes` replace what it says."""
    event = Event(
        **{
            "event_id": str(UUID(int=number)),
            "occurred_at_ms": NOW_MS,
            "user_id": f"user-{number % 10}",
            "event_type": "click",
            "properties": b'{"element": "play"}',
            "value": 1.5,
            "session_id": None,
            "skew_ms": None,
            **changes,
        }
    )
    return encode(event, Arrival(received_at_ms, "192.0.2.0", "Firefox", ()))


def send(world: World, numbers: Iterable[int], **changes: Any) -> None:
    """Put the events known by these numbers into the log."""
    for number in numbers:
        world.log.send(make_record(number, **changes))


def everything_once(world: World, numbers: Iterable[int]) -> bool:
    """Whether the warehouse has just these events, each stored and counted once."""
    wanted = {str(UUID(int=number)): 1 for number in numbers}
    return bool(world.rows_by_id() == wanted and world.each_once())


def of_partition(partition: int, count: int) -> list[int]:
    """The first `count` numbers whose records lie there."""
    return [n for n in range(10 * count) if sum(make_record(n).key) % 2 == partition][:count]
