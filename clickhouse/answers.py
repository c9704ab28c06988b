"""What the warehouse answers, as plain rows: no words, no percents, no HTTP."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Literal, TypeVar

Method = Literal["exact", "uniq"]
Period = Literal["day", "week"]

# `uniq` keeps the hashes of everybody up to 65,536, and halves its sample each time it would hold more: exact
# up to there but for two users of one 32-bit hash, above it a sample of 32,768 to 65,536. Its relative
# standard error is 1/sqrt(32,768) = 0.55 % at the worst; five of those is the bound, and one answer in a
# million leaves it.
UNIQ_ERROR_BOUND = 0.0276

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Answer(Generic[Row]):
    """The rows, and how right they are: `error_bound` is relative, and 0 when the method is exact.

    `held_since`: the oldest day that the tables asked still hold whole.
    """

    rows: Sequence[Row]
    method: Method = "exact"
    error_bound: float = 0.0
    held_since: date = date.min


@dataclass(frozen=True, slots=True)
class DauRow:
    """One day and how many different users came on it."""

    date: date
    users: int


@dataclass(frozen=True, slots=True)
class TopEvent:
    """One event type and how often it happened."""

    event_type: str
    count: int


@dataclass(frozen=True, slots=True)
class DailyRow:
    """One event type on one day on which it happened."""

    date: date
    event_type: str
    users: int
    points: float
    actions: int


@dataclass(frozen=True, slots=True)
class Cohort:
    """The users whose first event falls in the period that begins on `cohort`, and how many were there when.

    `users[n]`: how many of them were active in the n-th period after it; the 0-th is their own. None for a
    period that has not begun; one that has begun and is not over has its number so far.
    """

    cohort: date
    size: int
    users: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """How many users were there on a day, and how many of them again on one of the seven days after it."""

    date: date
    total_users: int
    returned: int


@dataclass(frozen=True, slots=True)
class ReturningPage:
    """How many users came back, and some of them, by user id; `next_cursor` is None on the last page.

    The number and the users are of one query: pages that are all read say who was counted, as long as no
    event of those days arrives in between.
    """

    count: int
    users: Sequence[str]
    next_cursor: str | None
    method: Method = "exact"
    error_bound: float = 0.0
    held_since: date = date.min


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the warehouse last stored an event of the last two days, and how far behind its receipt that was.

    Of any day when those are empty. History that is loaded beside them says nothing of how fresh they are.

    The lag is of what has arrived: a pipeline that stands still shows in `last_ingested_at` growing old and
    in the ETL's own health, not here. Both are None when the warehouse holds nothing.
    """

    last_ingested_at: datetime | None
    lag_seconds: float | None
