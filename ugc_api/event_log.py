"""The log as the door sees it: one port, and how it fails.

`append` returns when the broker has acknowledged every record (acks=all) and at no other moment. When it
raises instead, some records may be in the log and some not; sending all of them again is harmless, because
event ids deduplicate downstream.

    EventLogError
    ├── LogUnavailable   not now: broker away, queue full, deadline passed, not allowed. Try again later.
    └── RecordTooLarge   never: this record is larger than the log takes.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from contract.wire import Record


class Reason(StrEnum):
    """Why the log could not take records: a closed list, for the operator's log line."""

    BROKER_AWAY = "broker_away"
    QUEUE_FULL = "queue_full"
    DEADLINE = "deadline"
    NOT_ALLOWED = "not_allowed"
    RECORD_REFUSED = "record_refused"
    TOPIC_MISSING = "topic_missing"
    PRODUCER_BROKEN = "producer_broken"
    CLOSED = "closed"


# Away and overloaded pass by themselves; the last three wait for a person.
RETRY_AFTER_S: dict[Reason, int] = {
    Reason.BROKER_AWAY: 2,
    Reason.QUEUE_FULL: 1,
    Reason.DEADLINE: 2,
    Reason.PRODUCER_BROKEN: 1,
    Reason.CLOSED: 5,
    Reason.NOT_ALLOWED: 30,
    Reason.RECORD_REFUSED: 30,
    Reason.TOPIC_MISSING: 30,
}


class EventLogError(Exception):
    """The records are not safely in the log."""


class LogUnavailable(EventLogError):  # noqa: N818 - a state, not a fault of the program
    """Not now; the same records may be sent again after `retry_after_s`."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after_s = RETRY_AFTER_S[reason]


class RecordTooLarge(EventLogError):  # noqa: N818
    """One record is larger than the log takes; sending it again will not help."""


class EventLog(Protocol):
    """What the door needs of the log."""

    def append(self, records: Sequence[Record]) -> None:
        """Return after every acknowledgement, or raise an EventLogError."""
        ...

    def check(self) -> None:
        """Raise telemetry.health.NotReady unless records would be taken now."""
        ...

    def close(self) -> int:
        """Deliver what is queued, within bounds; the number of records that stayed behind."""
        ...
