"""The right to move one partition, from the moment it is given until it is taken away: the epoch.

Kafka checks that a commit comes from a member of the group, not that the member owns the partition. So
ownership is checked here, before every insert and every commit, by the identity of this object: a
partition that is taken away and given back comes with a new one, and work begun under the old one is void.
"""

from etl.errors import AssignmentGone, Retryable
from etl.intents import Intent
from etl.ranges import Position


class Assignment:
    """One partition of one topic, ours until `end`. `redo` is the range that an earlier owner, or we, had
    intended and not committed: it comes first."""

    __slots__ = (
        "_current",
        "committed",
        "confirmed_at",
        "partition",
        "partitions",
        "redo",
        "topic",
        "topic_id",
    )

    def __init__(  # noqa: PLR0913 - what the log says of it
        self,
        *,
        topic: str,
        topic_id: str,
        partition: int,
        committed: Position,
        partitions: int = 1,
        redo: Intent | None = None,
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partition = partition
        self.partitions = partitions
        self.committed = committed
        self.redo = redo
        # When the group last took a commit of ours. Until a session after it nobody else owns this, unless
        # somebody starts a second process under our own name.
        self.confirmed_at = float("-inf")
        self._current = True

    @property
    def current(self) -> bool:
        """Whether the partition is still ours."""
        return self._current

    def end(self) -> None:
        """The partition was revoked or lost."""
        self._current = False

    def check(self) -> None:
        """Raise AssignmentGone unless the partition is still ours, as far as we know."""
        if not self._current:
            raise AssignmentGone(f"{self.topic}:{self.partition} belongs to somebody else now")

    def check_confirmed(self, *, since: float) -> None:
        """Raise Retryable unless the group said so since then: a process that was frozen knows nothing."""
        self.check()
        if self.confirmed_at < since:
            raise Retryable(
                f"not sure that {self.topic}:{self.partition} is still ours: no commit was taken for a while"
            )

    def __repr__(self) -> str:
        state = "current" if self._current else "gone"
        return f"Assignment({self.topic}:{self.partition} from {self.committed}, {state})"
