"""Ranges of events as the ETL cuts them: partitions side by side over the same seconds, ids of now."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec

from benchmarks.events import Ids, Plan, restamped, stamped
from contract.topics import EVENTS
from contract.wire import OCCURRED_AT, Record
from etl.assignment import Assignment
from etl.batch import Batch
from etl.ranges import Offset, Position, Range
from etl.rows import RowReader

ROWS = 50_000
TOPIC_ID = "bench"
# So many events a second are asked about: it decides how many ids share a time.
RATE = 100_000
USERS = 10_000


@dataclass(frozen=True, slots=True)
class Message:
    """A record as the log's client hands it out."""

    at: int
    record: Record

    def offset(self) -> int:
        return self.at

    def value(self) -> bytes:
        return self.record.value

    def key(self) -> bytes:
        return self.record.key

    def headers(self) -> list[tuple[str, bytes]]:
        return self.record.headers

    def timestamp(self) -> tuple[int, int]:
        return 0, self.record.timestamp_ms


@dataclass(frozen=True, slots=True)
class Cut:
    """A range, what it holds, and the records it was made of."""

    assignment: Assignment
    range: Range
    batch: Batch
    records: Sequence[Record]


class Ranges:
    """Makes them one after the other, later ones of later times; no id comes twice unless asked for."""

    def __init__(self, *, seed: int, version: Ids, begins_at_ms: int) -> None:
        self._seed = seed
        self._version = version
        self._at_ms = begins_at_ms
        self._windows = 0
        self._offsets = [0] * EVENTS.partitions
        self._random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.assignments = [
            Assignment(
                topic=EVENTS.name,
                topic_id=TOPIC_ID,
                partition=partition,
                partitions=EVENTS.partitions,
                committed=Position(0),
            )
            for partition in range(EVENTS.partitions)
        ]

    def window(self, *, ranges: int = EVENTS.partitions, rows: int = ROWS) -> Iterator[Cut]:
        """So many ranges of the same seconds, one a partition, of `rows` new events each."""
        dealt: list[list[Record]] = [[] for _ in range(ranges)]
        for number, record in enumerate(self.events(ranges * rows)):
            dealt[number % ranges].append(record)
        for partition, records in enumerate(dealt):
            yield self.cut(partition, records)

    def events(self, count: int) -> Iterator[Record]:
        """New ones, of the seconds after those that were made before."""
        spread_ms = count * 1_000 // RATE
        self._at_ms += spread_ms
        self._windows += 1
        plan = Plan(
            seed=self._seed * 1_000 + self._windows,
            users=USERS,
            ends_at_ms=self._at_ms,
            ids=self._version,
            spread_ms=spread_ms,
        )
        return restamped(plan, count)

    def mixed(self, partition: int, copies: Sequence[Record], *, rows: int = ROWS) -> Cut:
        """A range of `rows`, of which some are `copies`, each at a place of chance among new ones."""
        records = [*self.events(rows - len(copies)), *copies]
        self._random.shuffle(records)
        return self.cut(partition, records)

    def like(self, ids: Sequence[bytes]) -> list[Record]:
        """New events but for their ids."""
        return [
            msgspec.structs.replace(
                each, key=id_, value=stamped(each.value[OCCURRED_AT.stop :], id_, each.timestamp_ms)
            )
            for id_, each in zip(ids, self.events(len(ids)), strict=True)
        ]

    def cut(self, partition: int, records: Sequence[Record]) -> Cut:
        """The next range of that partition, read as the ETL reads it."""
        first = self._offsets[partition]
        self._offsets[partition] += len(records)
        reader = RowReader(TOPIC_ID, partition, cut_at_ms=self._at_ms)
        batch = reader.read([Message(first + number, record) for number, record in enumerate(records)])
        range_ = Range(TOPIC_ID, partition, Offset(first), Offset(first + len(records) - 1))
        return Cut(self.assignments[partition], range_, batch, records)
