"""Every question of the stats API, as the warehouse answers it; some also as an analyst asks raw events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from clickhouse_connect.driver.client import Client

from clickhouse.segments import parse
from clickhouse.warehouse import Scope, Warehouse

SQL = Path(__file__).parent / "sql"
DAYS = 30
LIMIT = 10
PAGE = 100
RETURNING_DAYS = 7
WINDOWS_MAX = 30
WEEKS = 3
# Its days begin on a half hour of UTC.
FAR = "America/St_Johns"

# What is answered day by day: each kind of source once, and one that is read for in the text of properties.
ASKED_AGAIN = ("daily", "daily_zone", "daily_exact", "dau_zone", "dau_device")

# Keys that segments ask for, and that migrations gave no column.
NAMED = ("device", "quantity")

BY_AGGREGATE_MS = 100.0
BY_SEGMENT_MS = 500.0


@dataclass(frozen=True, slots=True)
class Asked:
    """The thirty days that end with the data."""

    last: date

    @property
    def first(self) -> date:
        return self.last - timedelta(days=DAYS - 1)

    @property
    def yesterday(self) -> date:
        """The last whole day."""
        return self.last - timedelta(days=1)

    def parameters(self) -> dict[str, date]:
        """As the files of raw questions take them."""
        return {"first": self.first, "last": self.last, "day": self.yesterday}


Ask = Callable[[Warehouse, Asked], Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One call. `raw` names the file that asks the same of events_raw, where there is one; `as_raw` turns the
    answer into that file's rows. `again`: asked by somebody who was answered before, and an event of the day
    that runs has come since; the others ask one that has read nothing yet. `seldom`: it may take seconds."""

    key: str
    name: str
    ask: Ask
    limit_ms: float = BY_AGGREGATE_MS
    raw: str = ""
    as_raw: Callable[[Any], list[tuple[Any, ...]]] | None = None
    again: bool = False
    seldom: bool = False

    @property
    def in_segment(self) -> bool:
        """Whether it is asked of raw events each time, and grows with them."""
        return self.limit_ms == BY_SEGMENT_MS and not self.again


def ask_raw(client: Client, question: Question, asked: Asked) -> list[tuple[Any, ...]]:
    """The rows of the same question to raw events."""
    sql = (SQL / f"{question.raw}.sql").read_text(encoding="utf-8")
    answer = client.query(sql, parameters=asked.parameters(), tz_mode="aware")
    return [tuple(row) for row in answer.result_rows]


def _cohorts(answer: Any) -> list[tuple[Any, ...]]:
    return [
        (each.cohort, number, users)
        for each in answer.rows
        for number, users in enumerate(each.users)
        if users
    ]


def _of_segment(key: str, name: str, ask: Callable[[Warehouse, Asked, Scope], Any], text: str) -> Question:
    scope = Scope(segments=(parse(text),))
    return Question(key, f"{name}, {text}", lambda w, a: ask(w, a, scope), BY_SEGMENT_MS, seldom=True)


def questions() -> Sequence[Question]:
    """All of them, in the order in which they are asked."""
    first = (*_how_often(), *_who_came(), *_in_segments())
    again = [
        replace(each, key=f"{each.key}_again", name=f"{each.name}, again", raw="", again=True, seldom=False)
        for each in first
        if each.key in ASKED_AGAIN
    ]
    return (*first, *again)


def in_named_columns() -> Sequence[Question]:
    """Two that are looked for in the text, to be asked again when their keys have columns."""
    return [
        replace(each, key=f"{each.key}_named", name=f"{each.name}, in a named column")
        for each in _in_segments()
        if each.key in ("dau_device", "dau_quantity")
    ]


def _how_often() -> Sequence[Question]:
    plain, exact = Scope(), Scope(exact=True)
    return (
        Question(
            "top_events",
            "top-events, 30 days",
            lambda w, a: w.top_events(plain, a.first, a.last, LIMIT),
            raw="top_events",
            as_raw=lambda answer: [(each.event_type, each.count) for each in answer.rows],
        ),
        Question("daily", "daily, 30 days", lambda w, a: w.daily(plain, a.first, a.last), raw="daily"),
        Question(
            "daily_zone",
            f"daily, 30 days of {FAR}",
            lambda w, a: w.daily(Scope(tz=FAR), a.first, a.last),
        ),
        Question(
            "daily_exact", "daily, exact=true", lambda w, a: w.daily(exact, a.first, a.last), seldom=True
        ),
        Question("freshness", "freshness, of every answer", lambda w, _: w.freshness()),
    )


def _who_came() -> Sequence[Question]:
    plain = Scope()
    return (
        Question(
            "dau",
            "dau, 30 days",
            lambda w, a: w.dau(plain, a.first, a.last),
            raw="dau",
            as_raw=lambda answer: [(each.date, each.users) for each in answer.rows if each.users],
        ),
        Question(
            "dau_zone",
            f"dau, 30 days of {FAR}",
            lambda w, a: w.dau(Scope(tz=FAR), a.first, a.last),
        ),
        Question(
            "retention",
            "retention, 30 days in 30 windows",
            lambda w, a: w.retention(plain, a.first, WINDOWS_MAX, "day"),
            raw="retention",
            as_raw=_cohorts,
        ),
        Question(
            "retention_zone",
            f"retention, 30 days of {FAR} in 30 windows",
            lambda w, a: w.retention(Scope(tz=FAR), a.first, WINDOWS_MAX, "day"),
        ),
        Question(
            "retention_weeks",
            "retention, 4 weeks",
            lambda w, a: w.retention(plain, a.first, WEEKS, "week"),
        ),
        Question(
            "retention_7d",
            "retention-7d, 30 days",
            lambda w, a: w.retention_7d(plain, a.first, a.last),
            raw="retention_7d",
            as_raw=lambda answer: [(e.date, e.total_users, e.returned) for e in answer.rows if e.total_users],
        ),
        Question(
            "returning",
            "returning, 7 days before",
            lambda w, a: w.returning(plain, a.yesterday, RETURNING_DAYS, PAGE, None),
            raw="returning",
            as_raw=lambda answer: [(answer.count, list(answer.users))],
        ),
    )


def _in_segments() -> Sequence[Question]:
    # The first two have columns of their own, the others are looked for in the text.
    country, long_views = "properties.country=DE", "properties.dwell_ms>60000"
    device, several = "properties.device=android", "properties.quantity>2"
    return (
        _of_segment("dau_type", "dau", lambda w, a, s: w.dau(s, a.first, a.last), "event_type:purchase"),
        _of_segment("dau_country", "dau", lambda w, a, s: w.dau(s, a.first, a.last), country),
        _of_segment("dau_dwell", "dau", lambda w, a, s: w.dau(s, a.first, a.last), long_views),
        _of_segment("dau_device", "dau", lambda w, a, s: w.dau(s, a.first, a.last), device),
        _of_segment("dau_quantity", "dau", lambda w, a, s: w.dau(s, a.first, a.last), several),
        _of_segment(
            "top_country", "top-events", lambda w, a, s: w.top_events(s, a.first, a.last, LIMIT), country
        ),
        _of_segment("daily_country", "daily", lambda w, a, s: w.daily(s, a.first, a.last), country),
        _of_segment(
            "retention_country", "retention", lambda w, a, s: w.retention(s, a.first, WEEKS, "week"), country
        ),
        _of_segment(
            "retention_7d_country",
            "retention-7d",
            lambda w, a, s: w.retention_7d(s, a.first, a.last),
            country,
        ),
        _of_segment(
            "returning_country",
            "returning",
            lambda w, a, s: w.returning(s, a.yesterday, RETURNING_DAYS, PAGE, None),
            country,
        ),
    )
