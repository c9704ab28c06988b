"""Cut what was read into ranges: one partition each, bounded in rows, bytes, days and age.

Rows, bytes and days depend on the records alone, so the same records are cut at the same places by
whoever reads them; only a range closed by its age depends on when it was read.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from etl.assignment import Assignment
from etl.ranges import LogRecord, Range
from telemetry.clock import Clock

# Every day a range touches is a part of its own in the warehouse, stored and deduplicated by itself.
RANGE_DAYS_MAX = 31


@dataclass(frozen=True, slots=True)
class CutLimits:
    """What bounds one range. A single record larger than `batch_bytes_max` is a range by itself."""

    batch_rows_max: int
    batch_bytes_max: int
    flush_interval_ms: int
    days_max: int = RANGE_DAYS_MAX


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A range, its records, and the assignment under which they were read."""

    assignment: Assignment
    records: list[LogRecord]

    @property
    def range(self) -> Range:
        """The offsets it covers."""
        return Range(
            topic_id=self.assignment.topic_id,
            partition=self.assignment.partition,
            first=self.records[0].offset,
            last=self.records[-1].offset,
        )


@dataclass(slots=True)
class _Growing:
    since: float
    records: list[LogRecord] = field(default_factory=list)
    bytes_held: int = 0
    days: set[bytes] = field(default_factory=set)


class Cutter:
    """Holds what was read and not yet moved. `add` takes records in, `next` hands ranges out.

    Ranges of one partition come out in the order of their offsets, and every record comes out once,
    unless its assignment ends first: then it is forgotten here.
    """

    def __init__(self, limits: CutLimits, *, day_of: Callable[[LogRecord], bytes], clock: Clock) -> None:
        self._limits = limits
        self._day_of = day_of
        self._clock = clock
        self._growing: dict[Assignment, _Growing] = {}
        self._closed: deque[Cut] = deque()

    def add(self, assignment: Assignment, records: Iterable[LogRecord]) -> None:
        """Take in records of one partition, in the order they were read."""
        for record in records:
            day = self._day_of(record)
            growing = self._growing.get(assignment)
            if growing is not None and self._is_full(growing, record, day):
                self._close(assignment)
                growing = None
            if growing is None:
                growing = self._growing[assignment] = _Growing(self._clock.monotonic())
            growing.records.append(record)
            growing.bytes_held += record.size_bytes
            growing.days.add(day)

    def next(self) -> Cut | None:
        """The next range to move: a full one, else one whose first record has waited long enough."""
        self._forget_ended()
        if not self._closed:
            for assignment, growing in list(self._growing.items()):
                if self._due_in_s(growing) <= 0 or len(growing.records) >= self._limits.batch_rows_max:
                    self._close(assignment)
        return self._closed.popleft() if self._closed else None

    def due_in_s(self, at_most_s: float) -> float:
        """How long until a range has waited long enough; never more than `at_most_s`."""
        return max(0.0, min([at_most_s, *map(self._due_in_s, self._growing.values())]))

    def _is_full(self, growing: _Growing, record: LogRecord, day: bytes) -> bool:
        limits = self._limits
        return (
            len(growing.records) >= limits.batch_rows_max
            or growing.bytes_held + record.size_bytes > limits.batch_bytes_max
            or (len(growing.days) >= limits.days_max and day not in growing.days)
        )

    def _close(self, assignment: Assignment) -> None:
        self._closed.append(Cut(assignment, self._growing.pop(assignment).records))

    def _due_in_s(self, growing: _Growing) -> float:
        return growing.since + self._limits.flush_interval_ms / 1000 - self._clock.monotonic()

    def _forget_ended(self) -> None:
        for assignment in [each for each in self._growing if not each.current]:
            del self._growing[assignment]
        self._closed = deque(cut for cut in self._closed if cut.assignment.current)
