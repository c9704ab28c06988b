"""A range's records, decoded: columns side by side, because there are hundreds of thousands of rows a second.

`offsets`, `ids` and `lines` belong together by their index and are in the order of the offsets; a record is
a row there, or a dead letter, or a canary, and counted in `records` whichever it is. Lines are held joined,
many to a block, as an insert takes them: a list of so many small strings costs more than all that is done
to them.
"""

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from etl.columns import IdColumn, offset_column
from etl.ranges import LogRecord

_TIME = b'"occurred_at":"'
_TIME_CHARS = len("2026-01-15T11:59:59.123Z")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot become a row, and why."""

    record: LogRecord
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Block:
    """Lines for one insert, sent piece by piece: joined they would be held twice, and copied once more.

    Every iteration begins anew. The driver repeats a request whose connection turns out to be closed; what
    can be read only once would then be sent as nothing, and an insert of nothing succeeds.
    """

    pieces: Sequence[bytes]

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            yield piece + b"\n"

    def __bytes__(self) -> bytes:
        return b"".join(self)


@dataclass(slots=True)
class Batch:
    """What a range holds. `whole` is filled only by a careful reading: the record of each row.

    `blocks`: one JSON object a line, no line break at the end, no block empty.
    """

    offsets: "array[int]" = field(default_factory=offset_column)
    ids: IdColumn = field(default_factory=IdColumn)
    blocks: list[bytes] = field(default_factory=list)
    days: set[bytes] = field(default_factory=set)
    dead: list[DeadLetter] = field(default_factory=list)
    records: int = 0
    size_bytes: int = 0
    canaries: int = 0
    canary_sent_at_ms: int | None = None
    last_timestamp_ms: int = 0
    whole: list[LogRecord] = field(default_factory=list)

    def __len__(self) -> int:
        """How many rows."""
        return len(self.ids)

    @property
    def crc(self) -> int:
        """What tells other rows under the same offsets apart from these."""
        return crc32(self.ids.text)

    def block(self) -> "Block":
        """The rows as one insert takes them: a JSON object a line."""
        return Block(self.blocks)

    @property
    def lines(self) -> list[bytes]:
        """The rows one by one; split anew at each call."""
        return [line for block in self.blocks for line in block.split(b"\n")]

    def extend(self, more: "Batch") -> None:
        """Take in what lies after it."""
        self.offsets += more.offsets
        self.ids += more.ids
        self.blocks += more.blocks
        self.days |= more.days
        self.dead += more.dead
        self.records += more.records
        self.size_bytes += more.size_bytes
        self.canaries += more.canaries
        if more.canary_sent_at_ms is not None:
            self.canary_sent_at_ms = max(more.canary_sent_at_ms, self.canary_sent_at_ms or 0)
        self.last_timestamp_ms = more.last_timestamp_ms
        self.whole += more.whole

    def without(self, indices: Collection[int]) -> "Batch":
        """The rows but those at `indices`; letters, canaries and counts stay. Itself when none is named."""
        if not indices:
            return self
        left_out = set(indices)
        return self._of(index for index in range(len(self.ids)) if index not in left_out)

    def only(self, indices: Iterable[int]) -> "Batch":
        """The rows at `indices`, in their order."""
        return self._of(sorted(indices))

    def _of(self, kept: Iterable[int]) -> "Batch":
        chosen = list(kept)
        lines = self.lines
        return Batch(
            offsets=offset_column(self.offsets[index] for index in chosen),
            ids=IdColumn(self.ids[index] for index in chosen),
            blocks=[b"\n".join([lines[index] for index in chosen])] if chosen else [],
            days=self.days,
            dead=self.dead,
            records=self.records,
            size_bytes=self.size_bytes,
            canaries=self.canaries,
            canary_sent_at_ms=self.canary_sent_at_ms,
            last_timestamp_ms=self.last_timestamp_ms,
            whole=[self.whole[index] for index in chosen] if self.whole else [],
        )


def occurred_at(line: bytes) -> bytes:
    """When a row of ours says it happened, as text: 2026-01-15T11:59:59.123Z. For rows looked at singly."""
    start = line.index(_TIME) + len(_TIME)
    return line[start : start + _TIME_CHARS]
