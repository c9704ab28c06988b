"""The pipeline's parts for its tests: time that is told, and a log, a warehouse and a letter box in memory.

The fakes keep the promises of the real ones (the behavioural suites run on both) and fail on demand: before
an effect, after it (the effect is there, the answer is lost), or by ending the process on the spot.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from etl.batch import Batch, Block, DeadLetter
from etl.brake import Brake
from etl.cutting import Cut, CutLimits, Cutter
from etl.dedup import Dedup
from etl.errors import Fatal, Refused, Retryable
from etl.intents import Intent, Mark, parse
from etl.loading import Finished, Loader, LoaderThreads
from etl.mending import always
from etl.pipeline import Pipeline
from etl.placing import Bounds, Committed, Topic, begin, check_partitions
from etl.ports import Conflict, Mended, MovedRange, Origin
from etl.ranges import LogRecord, Offset, Position, Range
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


@dataclass(frozen=True)
class MemoryMessage:
    """A record as a client hands it out."""

    record: LogRecord

    def offset(self) -> int:
        return self.record.offset

    def value(self) -> bytes | None:
        return self.record.value

    def key(self) -> bytes | None:
        return self.record.key

    def headers(self) -> list[tuple[str, bytes | None]] | None:
        return list(self.record.headers) or None

    def timestamp(self) -> tuple[int, int]:
        return (1, self.record.timestamp_ms)


class MemoryLog:
    """A topic and its group: partitions, what is committed and what was said with it, who is a member."""

    def __init__(self, *, partitions: int = 2, topic_id: str = "topic-a") -> None:
        self.topic_id = topic_id
        self.records: dict[int, list[LogRecord]] = {n: [] for n in range(partitions)}
        self.low: dict[int, int] = dict.fromkeys(range(partitions), 0)
        self.committed: dict[int, Position] = {}
        self.said: dict[int, str] = {}
        self.members: list[MemorySource] = []

    @property
    def topic(self) -> Topic:
        return Topic("events", self.topic_id, len(self.records))

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

    def recreate(self, topic_id: str) -> None:
        """The topic is deleted and made again; what the group committed stays."""
        self.topic_id = topic_id
        for partition in self.records:
            self.records[partition] = []
            self.low[partition] = 0

    def wanted(self, member: "MemorySource") -> set[int]:
        """The partitions that are to be `member`'s: dealt out in turn."""
        mine = self.members.index(member)
        return {n for n in self.records if n % len(self.members) == mine}

    def held(self, partition: int) -> bool:
        return any(partition in member.assignments for member in self.members)

    def what_committed(self) -> dict[int, Committed]:
        return {
            n: Committed(self.committed[n], parse(self.said.get(n)))
            if n in self.committed
            else Committed(None, None)
            for n in self.records
        }


class MemorySource:
    """A member of the log's group. Assignments begin and end in poll, as a cooperative group's do."""

    def __init__(
        self, log: MemoryLog, *, clock: Any, faults: Faults | None = None, partitions_accepted: int = 0
    ) -> None:
        self._log = log
        self._clock = clock
        self._faults = faults or Faults()
        self._partitions_accepted = partitions_accepted
        self._paused = False
        self._position: dict[int, int] = {}
        self.assignments: dict[int, Assignment] = {}
        self.joined = False
        log.members.append(self)

    def poll(self, timeout_s: float) -> Mapping[Assignment, Sequence[MemoryMessage]]:
        self._faults.at("poll")
        self._rebalance()
        polled = {}
        for partition, assignment in self.assignments.items():
            at = self._position[partition]
            if at < self._log.low[partition]:
                raise Fatal(f"records of partition {partition} were removed before they were read")
            found = [] if self._paused else self._log.records[partition][at : at + POLL_RECORDS_MAX]
            if found:
                polled[assignment] = [MemoryMessage(record) for record in found]
                self._position[partition] = at + len(found)
        self._clock.sleep(0.001 if polled else timeout_s)
        return polled

    def commit(self, assignment: Assignment, position: Position, intent: Intent | None) -> None:
        assignment.check()
        self._faults.at("before commit")
        if self not in self._log.members:
            raise Retryable("the group does not know this member")
        mark = Mark(assignment.topic_id, assignment.partitions, intent)
        self._log.committed[assignment.partition] = position
        self._log.said[assignment.partition] = mark.text()
        assignment.committed = position
        self._faults.at("after commit")

    def reread(self, assignment: Assignment) -> None:
        assignment.check()
        self.assignments.pop(assignment.partition).end()
        self._take_over(assignment.partition)

    def pause(self) -> None:
        self._paused = True

    def resume(self) -> None:
        self._paused = False

    def lag(self) -> dict[int, int]:
        return {n: len(self._log.records[n]) - a.committed for n, a in self.assignments.items()}

    def close(self) -> None:
        for partition in list(self.assignments):
            self.assignments.pop(partition).end()
        if self in self._log.members:
            self._log.members.remove(self)

    def die(self) -> None:
        """The process is gone, or stands still; the group notices, nobody tidies up."""
        self._log.members.remove(self)

    def _rebalance(self) -> None:
        if self not in self._log.members:
            # It stood still for longer than its session: what it held is lost, and it joins anew.
            for partition in list(self.assignments):
                self.assignments.pop(partition).end()
            self._log.members.append(self)
        wanted = self._log.wanted(self)
        for partition in self.assignments.keys() - wanted:
            self.assignments.pop(partition).end()
        for partition in sorted(wanted - self.assignments.keys()):
            if not self._log.held(partition):
                self._take_over(partition)
        self.joined = True

    def _take_over(self, partition: int) -> None:
        log = self._log
        committed = log.what_committed()
        check_partitions(log.topic, committed, accepted=self._partitions_accepted)
        bounds = Bounds(Position(log.low[partition]), Position(len(log.records[partition])))
        placed = begin(log.topic, "group", partition, committed[partition], bounds)
        self._position[partition] = placed.redo.first if placed.redo else placed.committed
        self.assignments[partition] = placed


Place = tuple[str, int, int]


class MemoryStore:
    """The warehouse: a table that takes the same id twice, what is counted from it, and the tokens that each
    of them remembers.

    A server that is killed in the middle of an insert leaves any part of it behind, and may know a token
    whose rows it does not have: the points "inside insert" and `burned` are for that.
    """

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.raw: dict[Place, list[dict[str, Any]]] = defaultdict(list)
        self.counts: Counter[Place] = Counter()
        self.tokens: list[str] = []
        self.tokens_counted: set[str] = set()
        self.moved: dict[str, MovedRange] = {}
        self.refuses: Callable[[dict[str, Any]], bool] = lambda _: False
        # Raises while it is away: no rows are taken then, whichever way they come.
        self.outage: Callable[[], None] = lambda: None

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [row for rows in self.raw.values() for row in rows]

    @property
    def counted(self) -> int:
        return self.counts.total()

    def columns(self) -> tuple[str, ...]:
        return rows.COLUMNS

    def stored(self, ids: Sequence[bytes], *, leaving_out: Range | None = None) -> set[bytes]:
        self.faults.at("stored")
        there = {
            row["event_id"].encode()
            for place, found in self.raw.items()
            if leaving_out is None or not _inside(leaving_out, place)
            for row in found
        }
        return there & set(ids)

    def remembered_count(self) -> int:
        return len(self.rows)

    def remembered(self) -> Iterator[bytes]:
        return iter([b"".join(UUID(row["event_id"]).int.to_bytes(16, "little") for row in self.rows)])

    def conflicts(self, range_: Range, copies: Batch) -> list[Conflict]:
        by_id = {row["event_id"].encode(): row for row in self.rows}
        found = []
        for offset, event_id, line in zip(copies.offsets, copies.ids, copies.lines, strict=True):
            copy, kept = orjson.loads(line), by_id.get(event_id)
            differing = tuple(name for name in SAID if kept and kept[name] != copy[name])
            if kept and differing:
                origin = Origin(range_.topic_id, range_.partition, offset)
                found.append(Conflict(event_id.decode(), origin, _origin(kept), differing))
        return found

    def insert(self, block: Block, *, token: str) -> None:
        self.outage()
        self.faults.at("before insert")
        lines = [orjson.loads(line) for line in bytes(block).splitlines()]
        if any(self.refuses(line) for line in lines):
            raise Refused("it will not take this")
        if token not in self.tokens:
            self.tokens.append(token)
            self.faults.at("inside insert")
            for line in lines:
                self.raw[_place(line)].append(line)
        self.faults.at("inside insert")
        if token not in self.tokens_counted:
            self.tokens_counted.add(token)
            self.faults.at("inside insert")
            self.counts.update(_place(line) for line in lines)
        self.faults.at("after insert")

    def probe(self, block: bytes) -> None:
        for line in block.splitlines():
            if self.refuses(orjson.loads(line)):
                raise Refused("it will not take this")

    def mend(
        self,
        range_: Range,  # noqa: ARG002
        rows: Batch,
        *,
        token: str,
        check: Callable[[], None] = always,
    ) -> Mended:
        self.outage()
        self.faults.at("before mend")
        lines = [orjson.loads(line) for line in rows.lines]
        lacking = [line for line in lines if not self.raw.get(_place(line))]
        if any(self.refuses(line) for line in lacking):
            raise Refused("it will not take this")
        check()
        # Put in under the range's own token first: its insert, should it still come, changes nothing.
        self.tokens += [token] * (token not in self.tokens)
        self.tokens_counted.add(token)
        for line in lacking:
            self.raw[_place(line)].append(line)
        self.faults.at("inside mend")
        uncounted = [_place(line) for line in lines if not self.counts[_place(line)]]
        self.counts.update(uncounted)
        self.faults.at("after mend")
        return Mended(len(lacking), {"events_by_quarter_hour": len(uncounted)} if uncounted else {})

    def remember(self, moved: MovedRange) -> None:
        self.faults.at("before ledger")
        self.moved[moved.range.token] = moved
        self.faults.at("after ledger")

    def ping(self) -> None:
        return


SAID = ("occurred_at", "user_id", "event_type", "value", "session_id", "properties")


def _place(row: dict[str, Any]) -> Place:
    return row["kafka_topic_id"], row["kafka_partition"], row["kafka_offset"]


def _origin(row: dict[str, Any]) -> Origin:
    topic_id, partition, offset = _place(row)
    return Origin(topic_id, partition, Offset(offset))


def _inside(range_: Range, place: Place) -> bool:
    return place[:2] == (range_.topic_id, range_.partition) and range_.first <= place[2] <= range_.last


class MemoryLetters:
    """The dead-letter topic: each letter once, however often it is written."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self.by_place: dict[Place, DeadLetter] = {}

    @property
    def letters(self) -> list[tuple[int, DeadLetter]]:
        return [(partition, letter) for (_, partition, _), letter in self.by_place.items()]

    def write(self, assignment: Assignment, letters: Sequence[DeadLetter]) -> int:
        self._faults.at("before letters")
        before = len(self.by_place)
        for letter in letters:
            place = (assignment.topic_id, assignment.partition, letter.record.offset)
            self.by_place.setdefault(place, letter)
        self._faults.at("after letters")
        return len(self.by_place) - before

    def close(self) -> None:
        return


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
        return Watch(self.metrics, clock=self.clock, stalled_after_ms=30_000)

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
        InlineLoaders=InlineLoaders,
        MemoryMessage=MemoryMessage,
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
            for assignment, messages in source.poll(0.05).items():
                found[assignment.partition] += [rows.whole(message) for message in messages]
            if sum(map(len, found.values())) >= count:
                break
        return dict(found)

    return read
