"""Offsets that cannot be confused, and the ranges they bound.

An `Offset` names a record. A `Position` names the place between two records: what is committed, and what
is read next. Arithmetic on either gives a plain int, which nothing here accepts: the only way from a range
to what may be committed after it is `Range.next_offset`.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, NewType

Offset = NewType("Offset", int)
Position = NewType("Position", int)

Headers = tuple[tuple[str, bytes | None], ...]

# What the objects of a record weigh that holds nothing, and those that say why it is dead (measured: 270).
RECORD_WEIGHS: Final = 300


class LogRecord(NamedTuple):
    """One record as it lies in the log, whole: for what cannot pass through as bytes, and for letters."""

    offset: Offset
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers

    @property
    def size_bytes(self) -> int:
        """What it weighs in memory, near enough to bound a buffer by."""
        headers = sum(len(name) + len(value or b"") for name, value in self.headers)
        return RECORD_WEIGHS + len(self.value or b"") + len(self.key or b"") + headers


@dataclass(frozen=True, slots=True)
class Range:
    """The records `first`..`last` of one partition, both included; offsets in between may be missing."""

    topic_id: str
    partition: int
    first: Offset
    last: Offset

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise ValueError(f"not a range: {self.first}..{self.last}")

    @property
    def next_offset(self) -> Position:
        """What to commit once the range is stored: the place after its last record."""
        return Position(self.last + 1)

    @property
    def token(self) -> str:
        """The name under which the warehouse knows an insert of exactly this range.

        The topic's id is part of it: a topic that was deleted and made again counts from 0 again.
        """
        return f"{self.topic_id}:{self.partition}:{self.first}-{self.last}"

    def __str__(self) -> str:
        return f"{self.partition}:{self.first}-{self.last}"
