"""The warehouse and the letter box in memory, with what a killed server leaves behind."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import UUID

import orjson
from pipeline.told import Faults

from etl import rows
from etl.assignment import Assignment
from etl.batch import Batch, Block, DeadLetter
from etl.errors import Refused
from etl.mending import always
from etl.ports import Conflict, Mended, MovedRange, Origin
from etl.ranges import Offset, Range

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
