"""The log in memory: a topic, its group, and a member that keeps the promises of a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.told import NOW_MS, Faults

from etl.assignment import Assignment
from etl.errors import Fatal, Retryable
from etl.intents import Intent, Mark, parse
from etl.placing import Bounds, Committed, Topic, begin, check_partitions
from etl.ranges import LogRecord, Offset, Position

POLL_RECORDS_MAX = 7


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
