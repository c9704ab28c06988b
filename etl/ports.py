"""The three sides of the pipeline, as it sees them. Each has a real one and a fake that passes its tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from etl.assignment import Assignment
from etl.ranges import LogRecord, Position


class Source(Protocol):
    """The log. Reading goes on from what was committed, whoever committed it."""

    def poll(self, timeout_s: float) -> Mapping[Assignment, Sequence[LogRecord]]:
        """New records of our partitions, in order, waiting for some at most `timeout_s`.

        Keeps our membership; assignments begin and end inside this call only. Raises Retryable when the
        source must be opened anew, Fatal when records are gone before we read them.
        """
        ...

    def commit(self, assignment: Assignment, position: Position) -> None:
        """Return when the log remembers that everything before `position` is done.

        Raises Retryable when it does not know now, and Fatal when it never will.
        """
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


class RowStore(Protocol):
    """The warehouse's table of events. Every method raises Retryable or Fatal when it cannot."""

    def columns(self) -> tuple[str, ...]:
        """The columns that a row must bring, in the table's order: those without a default."""
        ...

    def stored(self, event_ids: Sequence[str]) -> set[str]:
        """Those of `event_ids` that have a row."""
        ...

    def insert(self, block: bytes, *, token: str) -> None:
        """Return when every row of `block`, a JSON object a line, is stored.

        The same block under the same token again changes nothing. When this raises, the rows may be
        stored or not: only the same call again finds out.
        """
        ...

    def ping(self) -> None:
        """Raise telemetry.health.NotReady unless it answers."""
        ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that cannot become a row, and why."""

    record: LogRecord
    reason: str
    message: str


class DeadLetters(Protocol):
    """Where records go that cannot become rows."""

    def write(self, assignment: Assignment, letters: Sequence[DeadLetter]) -> None:
        """Return when every letter is safely stored; raise Retryable or Fatal otherwise, never skip one."""
        ...

    def close(self) -> None:
        """Let go of the connection; nothing is waiting, as `write` returns only when all is stored."""
        ...
