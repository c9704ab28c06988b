"""Cut what was read into ranges: one partition each, bounded in rows, bytes, days and age.

Where a fresh range ends is free, because it is written down (intents.py) before the range is stored; a redo
ends exactly where it was written that it does. Records are decoded here, as they come, because a range is
bounded by the days of its rows and held as the columns that an insert needs.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from etl.assignment import Assignment
from etl.batch import Batch
from etl.intents import Intent
from etl.ports import Message
from etl.ranges import Offset, Range
from etl.rows import DECODER, RowReader
from telemetry.clock import Clock

# Every day a range touches is a part of its own in the warehouse; above 100 of them it refuses the insert.
RANGE_DAYS_MAX = 40


@dataclass(frozen=True, slots=True)
class CutLimits:
    """What bounds one range. A single record larger than `batch_bytes_max` is a range by itself."""

    batch_rows_max: int
    batch_bytes_max: int
    flush_interval_ms: int
    days_max: int = RANGE_DAYS_MAX


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A range, what its records became, and the assignment under which they were read."""

    assignment: Assignment
    range: Range
    batch: Batch
    intent: Intent
    redo: Intent | None = None
    careful: bool = False

    @property
    def reads_as_intended(self) -> bool:
        """False for a redo whose records give other rows than they did: an upgrade came between."""
        return self.redo is None or self.redo.describes(self.batch, decoder=DECODER)


@dataclass(slots=True, eq=False)
class _Growing:
    since: float
    cut_at_ms: int
    first: Offset
    reader: RowReader
    redo: Intent | None
    careful: bool
    last: Offset
    batch: Batch = field(default_factory=Batch)


class Cutter:
    """Holds what was read and not yet handed out. `add` takes records in, `next` hands ranges out.

    Ranges of one partition come out in the order of their offsets, and every record comes out once, unless
    its assignment ends first: then it is forgotten here.
    """

    def __init__(self, limits: CutLimits, *, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._growing: dict[Assignment, _Growing] = {}
        self._closed: dict[Assignment, deque[Cut]] = {}
        self._redone: set[Assignment] = set()
        self._read_until: dict[Assignment, int] = {}
        self._careful: set[str] = set()

    def add(self, assignment: Assignment, messages: Sequence[Message]) -> None:
        """Take in records of one partition, in the order they were read; one that is there already is not."""
        if messages and (messages[0].offset() or 0) <= self._read_until.get(assignment, -1):
            messages = [each for each in messages if (each.offset() or 0) > self._read_until[assignment]]
        if messages:
            self._read_until[assignment] = messages[-1].offset() or 0
        while messages:
            growing = self._growing.get(assignment) or self._open(assignment, messages[0])
            taken = self._take(growing, messages)
            messages = messages[taken:]
            if messages or self._is_full(growing):
                self._close(assignment)

    def next(self, assignment: Assignment) -> Cut | None:
        """Its next range, if one is closed or has waited long enough."""
        growing = self._growing.get(assignment)
        if growing is not None and self._due_in_s(growing) <= 0:
            self._close(assignment)
        closed = self._closed.get(assignment)
        return closed.popleft() if closed else None

    def close_all(self) -> None:
        """End every range where it is: somebody waits for room."""
        for assignment, growing in list(self._growing.items()):
            if growing.redo is None:
                self._close(assignment)

    def due_in_s(self, at_most_s: float) -> float:
        """How long until a range has waited long enough; never more than `at_most_s`."""
        return max(0.0, min([at_most_s, *map(self._due_in_s, self._growing.values())]))

    def be_careful(self, range_: Range) -> None:
        """When this range is read again, take every record of it through the codec, and keep it whole."""
        self._careful.add(range_.token)

    def forget_ended(self) -> None:
        """Drop what belongs to assignments that are not current."""
        for held in (self._growing, self._closed, self._read_until):
            for assignment in [each for each in held if not each.current]:
                del held[assignment]
        self._redone = {each for each in self._redone if each.current}

    @property
    def bytes_held(self) -> int:
        """What is held here, as bytes of rows."""
        closed = sum(cut.batch.size_bytes for cuts in self._closed.values() for cut in cuts)
        return closed + sum(growing.batch.size_bytes for growing in self._growing.values())

    def _open(self, assignment: Assignment, first: Message) -> _Growing:
        redo = None if assignment in self._redone else assignment.redo
        self._redone.add(assignment)
        first_offset = Offset(first.offset() or 0)
        cut_at_ms = redo.cut_at_ms if redo else _milliseconds(self._clock.now())
        careful = redo is not None and self._asked_careful(_range(assignment, redo.first, redo.last))
        growing = self._growing[assignment] = _Growing(
            since=self._clock.monotonic(),
            cut_at_ms=cut_at_ms,
            first=redo.first if redo else first_offset,
            last=first_offset,
            reader=RowReader(assignment.topic_id, assignment.partition, cut_at_ms=cut_at_ms, careful=careful),
            redo=redo,
            careful=careful,
        )
        return growing

    def _asked_careful(self, range_: Range) -> bool:
        """Once: whoever is refused again asks again, and nothing is kept of ranges long moved."""
        asked = range_.token in self._careful
        self._careful.discard(range_.token)
        return asked

    def _take(self, growing: _Growing, messages: Sequence[Message]) -> int:
        """How many of `messages` went into it: as many as fit, and at least one into an empty one."""
        held = growing.batch
        room = len(messages)
        if growing.redo is not None:
            room = _count_up_to(messages, growing.redo.last)
        else:
            room = min(room, self._limits.batch_rows_max - held.records)
        if room == 0:
            return 0
        part = growing.reader.read(messages[:room])
        if growing.redo is None and not self._fits(held, part):
            room = self._count_fitting(growing, messages[:room])
            if room == 0:
                return 0
            part = growing.reader.read(messages[:room])
        held.extend(part)
        growing.last = Offset(messages[room - 1].offset() or 0)
        return room

    def _fits(self, held: Batch, part: Batch) -> bool:
        limits = self._limits
        if held.size_bytes + part.size_bytes > limits.batch_bytes_max:
            return False
        return part.days <= held.days or len(held.days | part.days) <= limits.days_max

    def _count_fitting(self, growing: _Growing, messages: Sequence[Message]) -> int:
        held = growing.batch
        size, days = held.size_bytes, set(held.days)
        for index, message in enumerate(messages):
            one = growing.reader.read([message])
            size += one.size_bytes
            days |= one.days
            if (size > self._limits.batch_bytes_max or len(days) > self._limits.days_max) and (
                index or held.records
            ):
                return index
        return len(messages)

    def _is_full(self, growing: _Growing) -> bool:
        held = growing.batch
        if growing.redo is not None:
            return growing.last >= growing.redo.last
        return held.records >= self._limits.batch_rows_max or held.size_bytes >= self._limits.batch_bytes_max

    def _close(self, assignment: Assignment) -> None:
        growing = self._growing.pop(assignment)
        redo = growing.redo
        last = redo.last if redo else growing.last
        batch = growing.batch
        intent = redo or Intent(
            growing.first, last, batch.records, batch.crc, DECODER, cut_at_ms=growing.cut_at_ms
        )
        range_ = _range(assignment, growing.first, last)
        self._closed.setdefault(assignment, deque()).append(
            Cut(assignment, range_, batch, intent, redo=redo, careful=growing.careful)
        )

    def _due_in_s(self, growing: _Growing) -> float:
        if growing.redo is not None:
            return float("inf")  # it ends where it ended before, however long that takes to read
        return growing.since + self._limits.flush_interval_ms / 1000 - self._clock.monotonic()


def _range(assignment: Assignment, first: Offset, last: Offset) -> Range:
    return Range(assignment.topic_id, assignment.partition, first, last)


def _count_up_to(messages: Sequence[Message], last: Offset) -> int:
    if (messages[-1].offset() or 0) <= last:
        return len(messages)
    return sum((message.offset() or 0) <= last for message in messages)


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
