"""The three sides of the pipeline, as it sees them. Each has a real one and a fake that passes its tests.

Source is used by the pipeline's main thread alone; RowStore and DeadLetters by its loader threads, several
at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from etl.assignment import Assignment
from etl.batch import Batch, Block, DeadLetter
from etl.intents import Intent
from etl.ranges import Offset, Position, Range


class Message(Protocol):
    """A record of the log as its client hands it out: only what is asked for is unpacked."""

    def offset(self) -> int | None: ...
    def value(self) -> bytes | None: ...
    def key(self) -> bytes | None: ...
    # A list of pairs (str, bytes or None), or None; the client's own type says more than it ever returns.
    def headers(self) -> Any: ...
    def timestamp(self) -> tuple[int, int]: ...


class Source(Protocol):
    """The log. Reading goes on from what was committed, whoever committed it."""

    def poll(self, timeout_s: float) -> Mapping[Assignment, Sequence[Message]]:
        """New records of our partitions, in order, waiting for some at most `timeout_s`.

        Keeps our membership; assignments begin and end inside this call only. Raises Retryable when the
        source must be opened anew, Fatal when records are gone before we read them.
        """
        ...

    def commit(self, assignment: Assignment, position: Position, intent: Intent | None) -> None:
        """Return when the log remembers that all before `position` is done, and what is to be stored next.

        Raises Retryable when it does not know now, and Fatal when it never will.
        """
        ...

    def reread(self, assignment: Assignment) -> None:
        """End `assignment` and begin its partition anew, from what is committed, as after a restart."""
        ...

    def pause(self) -> None:
        """Poll goes on, but brings (almost) nothing, for partitions assigned from now on too."""
        ...

    def resume(self) -> None:
        """Poll brings records again."""
        ...

    @property
    def assignments(self) -> Mapping[int, Assignment]:
        """What is ours now, by partition."""
        ...

    @property
    def joined(self) -> bool:
        """Whether the log has told us which partitions are ours."""
        ...

    def lag(self) -> dict[int, int]:
        """By partition of ours: how many records lie after what was committed, as far as is known."""
        ...

    def close(self) -> None:
        """End every assignment and leave. Commits nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record lies, or lay."""

    topic_id: str
    partition: int
    offset: Offset


@dataclass(frozen=True, slots=True)
class Conflict:
    """A copy of a stored event that says something else. The first one won."""

    event_id: str
    copy: Origin
    kept: Origin
    differing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mended:
    """What a check by offsets found missing and put in: rows by table; empty when all was there.

    `drift` names what it could not decide: a target and a day whose counts agree with nothing.
    """

    raw: int = 0
    targets: Mapping[str, int] = field(default_factory=dict)
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MovedRange:
    """One line of the ledger: a range that is stored, and what became of its records."""

    range: Range
    records: int
    rows: int
    duplicates: int
    conflicts: int
    dead: int
    canaries: int
    canary_sent_at: datetime | None
    moved_at: datetime


class RowStore(Protocol):
    """The warehouse's table of events. Every method raises Retryable or Fatal when it cannot."""

    def columns(self) -> tuple[str, ...]:
        """The columns that a row must bring, in the table's order: those without a default."""
        ...

    def stored(self, ids: Sequence[bytes], *, leaving_out: Range | None = None) -> set[bytes]:
        """Those of `ids` (36 ASCII characters each) that were stored within the horizon.

        `leaving_out`: ids stored by that very range do not count. For a redo alone.
        """
        ...

    def remembered_count(self) -> int:
        """How many ids `remembered` will bring, about: to size a filter by."""
        ...

    def remembered(self) -> Iterator[bytes]:
        """Every id stored within the horizon, 16 bytes each (little endian), joined, in chunks; of ids that
        tell their own time (UUIDv7) one for every 256 ms in which there are any."""
        ...

    def conflicts(self, range_: Range, copies: Batch) -> list[Conflict]:
        """Which of `copies`, rows of `range_` whose ids are stored already, say something else."""
        ...

    def insert(self, block: Block, *, token: str) -> None:
        """Return when every row of `block`, a JSON object a line, is stored.

        The same block under the same token again changes nothing. Raises Refused when the warehouse will
        not take the block as it is (nothing of it is stored then); when this raises Retryable, the rows may
        be stored or not: only the same call again finds out.
        """
        ...

    def probe(self, block: bytes) -> None:
        """Raise Refused when `insert` would; stores nothing."""
        ...

    def mend(self, range_: Range, rows: Batch, *, token: str, check: Callable[[], None] = ...) -> Mended:
        """Make sure that each of `rows` is there once, in the table and in all that is counted from it.

        `check` is called before anything is put in, and raises when it must not be any more.

        Puts in what is missing, at first under `token`, and returns when a check by offsets has found
        everything in its place; an insert under `token` that comes later changes nothing. Raises Refused
        as `insert` does.
        """
        ...

    def remember(self, moved: MovedRange) -> None:
        """Write the line of the ledger; again is harmless."""
        ...

    def ping(self) -> None:
        """Raise telemetry.health.NotReady unless it answers."""
        ...


class DeadLetters(Protocol):
    """Where records go that cannot become rows."""

    def write(self, assignment: Assignment, letters: Sequence[DeadLetter]) -> int:
        """Return when every letter is safely stored; how many were not there yet.

        Raises Retryable or Fatal otherwise, never skips one. A letter that is there already, from an
        earlier try or a replay, is not written again.
        """
        ...

    def close(self) -> None:
        """Let go of the connection; nothing is waiting, as `write` returns only when all is stored."""
        ...
