"""Puts one question of a case to the warehouse's own methods, and says where the oracle disagrees."""

from collections.abc import Callable
from datetime import date
from typing import Any, cast

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.query import QueryResult
from properties.oracle import DAY
from properties.questions import Asked, Case, Questions
from properties.standing import StandingClock

from clickhouse.client import connect
from clickhouse.scope import Scope
from clickhouse.segments import parse
from clickhouse.warehouse import Warehouse

# More than any history has. An answer whose pages never end is wrong, and has to end to be told.
USERS_MAX = 100


class Watched:
    """A client that passes questions on, and keeps the rows that came back.

    A method may pick from them what it was asked for; the question itself should not bring anything else.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.server_settings = client.server_settings
        self.rows: list[Any] = []

    def query(self, sql: str, **more: Any) -> QueryResult:
        result = self._client.query(sql, **more)
        self.rows += result.result_rows
        return result


def reader_of(dsn: str, *, read_timeout_s: float = 60) -> Client:
    """A client for small questions: more threads than one only cost."""
    client = connect(dsn, read_timeout_s=read_timeout_s)
    client.set_client_setting("max_threads", 1)
    return client


def difference(case: Case, name: str, client: Client) -> str:
    """What is wrong with the answer to that question; empty when nothing is."""
    watched = Watched(client)
    warehouse = Warehouse(cast(Client, watched), clock=StandingClock(case.history.now))
    said, right = ASK[name](warehouse, scope_of(case.asked), case.questions), expected(case, name)
    if said != right:
        return f"{name}: said {said}, right is {right}"
    first, last = asked_days(case, name)
    if strange := [row for row in watched.rows if isinstance(row[0], date) and not first <= row[0] <= last]:
        return f"{name}: of {first} to {last} the warehouse says {strange}"
    return ""


def asked_days(case: Case, name: str) -> tuple[date, date]:
    """The days that a row of the answer may be of."""
    asked = case.questions
    if name == "retention":
        return asked.start, case.oracle().today
    # Somebody may be some minutes ahead of us.
    return asked.first, max(asked.first, min(asked.last, case.oracle().today + DAY))


def expected(case: Case, name: str) -> Any:
    """What the oracle says. Exact users by type are counted from the raw events."""
    oracle, asked = case.oracle(raw=name == "daily" and case.asked.exact), case.questions
    first, last = asked.first, asked.last
    if name == "dau":
        return oracle.dau(first, last)
    if name == "top_events":
        return oracle.top_events(first, last, asked.limit)
    if name == "daily":
        return oracle.daily(first, last)
    if name == "retention":
        return [row[:3] for row in oracle.retention(asked.start, asked.windows, asked.period)]
    if name == "retention_7d":
        return oracle.retention_7d(first, last)
    returning = oracle.returning(asked.day, asked.days)
    return returning, {len(returning)}


def scope_of(asked: Asked) -> Scope:
    return Scope(
        tz=asked.tz,
        segments=tuple(parse(str(segment)) for segment in asked.segments),
        bots=asked.bots,
        exact=asked.exact,
    )


def _pages(warehouse: Warehouse, scope: Scope, asked: Questions) -> tuple[list[str], set[int]]:
    """Every user that is listed, page by page, and the numbers that the pages say: one, of all of them."""
    users: list[str] = []
    counts: set[int] = set()
    cursor: str | None = None
    while len(users) <= USERS_MAX:
        page = warehouse.returning(scope, asked.day, asked.days, asked.page, cursor)
        users += page.users
        counts.add(page.count)
        cursor = page.next_cursor
        if cursor is None:
            break
    return users, counts


# The questions, by the names they have in the warehouse, and their answers in the oracle's shapes.
ASK: dict[str, Callable[[Warehouse, Scope, Questions], Any]] = {
    "dau": lambda warehouse, scope, asked: [
        (row.date, row.users) for row in warehouse.dau(scope, asked.first, asked.last).rows
    ],
    "top_events": lambda warehouse, scope, asked: [
        (row.event_type, row.count)
        for row in warehouse.top_events(scope, asked.first, asked.last, asked.limit).rows
    ],
    "daily": lambda warehouse, scope, asked: [
        (row.date, row.event_type, row.users, row.points, row.actions)
        for row in warehouse.daily(scope, asked.first, asked.last).rows
    ],
    "retention": lambda warehouse, scope, asked: [
        (row.cohort, row.size, list(row.users))
        for row in warehouse.retention(scope, asked.start, asked.windows, asked.period).rows
    ],
    "retention_7d": lambda warehouse, scope, asked: [
        (row.date, row.total_users, row.returned)
        for row in warehouse.retention_7d(scope, asked.first, asked.last).rows
    ],
    "returning": _pages,
}
