"""The pipeline's parts for its tests: time that is told, and a log, a warehouse and a letter box in memory.

The fakes keep the promises of the real ones (the behavioural suites run on both) and fail on demand: before
an effect, after it (the effect is there, the answer is lost), or by ending the process on the spot.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
import pytest

from contract.reading import Event
from contract.wire import Arrival, encode
from etl import rows
from etl.assignment import Assignment
from etl.cutting import CutLimits, Cutter
from etl.errors import Fatal
from etl.pipeline import Pipeline
from etl.ports import DeadLetter
from etl.ranges import LogRecord, Offset, Position
from etl.retry import BackOff, Retry
from etl.watch import Watch
from telemetry.metrics import Metrics

NOW = datetime(2026, 11, 21, 12, 0, 0, 250_000, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)
POLL_RECORDS_MAX = 7


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
    """What goes wrong: by the order of the points where something can, or at the points named."""

    def __init__(self, plan: Iterable[BaseException | None] = ()) -> None:
        self.plan = list(plan)
        self.named: dict[str, list[BaseException]] = {}
        self.seen: list[str] = []

    def at(self, point: str) -> None:
        self.seen.append(point)
        named = self.named.get(point)
        fault = named.pop() if named else self.plan.pop(0) if self.plan else None
        if fault is not None:
            raise fault


class MemoryLog:
    """A topic and its group: partitions, what is committed, who is a member."""

    def __init__(self, *, partitions: int = 2, topic_id: str = "topic-a") -> None:
        self.topic_id = topic_id
        self.records: dict[int, list[LogRecord]] = {n: [] for n in range(partitions)}
        self.low: dict[int, int] = dict.fromkeys(range(partitions), 0)
        self.committed: dict[int, Position] = {}
        self.members: list[MemorySource] = []

    def append(
        self,
        value: bytes | None,
        *,
        partition: int = 0,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes | None]] = (),
        timestamp_ms: int = NOW_MS,
    ) -> Offset:
        offset = Offset(len(self.records[partition]))
        self.records[partition].append(LogRecord(offset, timestamp_ms, key, value, tuple(headers)))
        return offset

    def send(self, record: Any) -> Offset:
        """A record of the codec, to the partition its key belongs to."""
        partition = sum(record.key) % len(self.records)
        return self.append(record.value, partition=partition, key=record.key, headers=record.headers)

    def wanted(self, member: "MemorySource") -> set[int]:
        """The partitions that are to be `member`'s: dealt out in turn."""
        mine = self.members.index(member)
        return {n for n in self.records if n % len(self.members) == mine}

    def held(self, partition: int) -> bool:
        return any(partition in member.assignments for member in self.members)


class MemorySource:
    """A member of the log's group. Assignments begin and end in poll, as a cooperative group's do."""

    def __init__(self, log: MemoryLog, *, clock: ToldClock, faults: Faults | None = None) -> None:
        self._log = log
        self._clock = clock
        self._faults = faults or Faults()
        self._paused = False
        self._position: dict[int, int] = {}
        self.assignments: dict[int, Assignment] = {}
        self.joined = False
        log.members.append(self)

    def poll(self, timeout_s: float) -> Mapping[Assignment, Sequence[LogRecord]]:
        self._faults.at("poll")
        self._rebalance()
        polled = {}
        for partition, assignment in self.assignments.items():
            at = self._position[partition]
            if at < self._log.low[partition]:
                raise Fatal(f"records of partition {partition} were removed before they were read")
            found = [] if self._paused else self._log.records[partition][at : at + POLL_RECORDS_MAX]
            if found:
                polled[assignment] = found
                self._position[partition] = at + len(found)
        self._clock.sleep(0.001 if polled else timeout_s)
        return polled

    def commit(self, assignment: Assignment, position: Position) -> None:
        assignment.check()
        self._faults.at("before commit")
        self._log.committed[assignment.partition] = position
        assignment.committed = position
        self._faults.at("after commit")

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def lag(self) -> dict[int, int]:
        return {n: len(self._log.records[n]) - a.committed for n, a in self.assignments.items()}

    def close(self) -> None:
        for partition in list(self.assignments):
            self.assignments.pop(partition).end()
        self._log.members.remove(self)

    def die(self) -> None:
        """The process is gone; the group notices, nobody tidies up."""
        self._log.members.remove(self)

    def _rebalance(self) -> None:
        wanted = self._log.wanted(self)
        for partition in self.assignments.keys() - wanted:
            self.assignments.pop(partition).end()
        for partition in sorted(wanted - self.assignments.keys()):
            if not self._log.held(partition):
                start = self._log.committed.get(partition, Position(self._log.low[partition]))
                self._position[partition] = start
                self.assignments[partition] = Assignment(
                    topic="events", topic_id=self._log.topic_id, partition=partition, committed=start
                )
        self.joined = True


class MemoryStore:
    """The warehouse: a table that takes the same id twice, its aggregate, and the tokens it remembers.

    An insert is whole or not at all. A real one can be torn when its server is killed in the middle.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.rows: list[dict[str, Any]] = []
        self.counted = 0
        self.tokens: list[str] = []

    def columns(self) -> tuple[str, ...]:
        return rows.COLUMNS

    def stored(self, event_ids: Sequence[str]) -> set[str]:
        self.faults.at("stored")
        return {row["event_id"] for row in self.rows} & set(event_ids)

    def insert(self, block: bytes, *, token: str) -> None:
        self.faults.at("before insert")
        if token not in self.tokens:
            self.tokens.append(token)
            lines = [orjson.loads(line) for line in block.splitlines()]
            self.rows += lines
            self.counted += len(lines)
        self.faults.at("after insert")

    def ping(self) -> None:
        return


class MemoryLetters:
    """The dead-letter topic: every letter that was written, a repeated one again."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self.letters: list[tuple[int, DeadLetter]] = []

    def write(self, assignment: Assignment, letters: Sequence[DeadLetter]) -> None:
        self._faults.at("before letters")
        self.letters += [(assignment.partition, letter) for letter in letters]
        self._faults.at("after letters")

    def close(self) -> None:
        return


@dataclass
class World:
    """A log, a warehouse and a letter box, and pipelines that come and go between them."""

    log: MemoryLog = field(default_factory=MemoryLog)
    store: MemoryStore = field(default_factory=MemoryStore)
    letters: MemoryLetters = field(default_factory=MemoryLetters)
    clock: ToldClock = field(default_factory=ToldClock)
    faults: Faults = field(default_factory=Faults)
    metrics: Metrics = field(default_factory=Metrics)
    limits: CutLimits = field(default_factory=lambda: CutLimits(5, 10_000, 500))
    stopping: bool = False

    def __post_init__(self) -> None:
        self.store.faults = self.letters._faults = self.faults

    def watch(self) -> Watch:
        return Watch(self.metrics, clock=self.clock, stalled_after_ms=30_000)

    def process(self, watch: Watch | None = None) -> Any:
        """One ETL process: its source and its pipeline."""
        watch = watch or self.watch()
        source = MemorySource(self.log, clock=self.clock, faults=self.faults)
        pipeline = Pipeline(
            source,
            self.store,
            self.letters,
            cutter=Cutter(self.limits, day_of=rows.day_of, clock=self.clock),
            retry=Retry(BackOff(100, 5_000), random=Random(7), watch=watch),
            watch=watch,
            clock=self.clock,
            stopping=lambda: self.stopping,
        )
        return SimpleNamespace(source=source, pipeline=pipeline, watch=watch)

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


@pytest.fixture(scope="session")
def record() -> Callable[..., Any]:
    return make_record


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(scope="session")
def make_world() -> Callable[..., World]:
    return World


@pytest.fixture(scope="session")
def parts() -> Any:
    """The classes themselves, for tests that put things together in their own way."""
    return SimpleNamespace(
        Crash=Crash,
        Faults=Faults,
        MemoryLetters=MemoryLetters,
        MemoryLog=MemoryLog,
        MemorySource=MemorySource,
        MemoryStore=MemoryStore,
        ToldClock=ToldClock,
    )


@pytest.fixture(scope="session")
def by_partition() -> Callable[[Any], dict[int, list[LogRecord]]]:
    """Poll a source for a while and sort what came by partition."""

    def read(source: Any, *, count: int, within_polls: int = 400) -> dict[int, list[LogRecord]]:
        found: dict[int, list[LogRecord]] = defaultdict(list)
        for _ in range(within_polls):
            for assignment, records in source.poll(0.05).items():
                found[assignment.partition] += records
            if sum(map(len, found.values())) >= count:
                break
        return dict(found)

    return read
