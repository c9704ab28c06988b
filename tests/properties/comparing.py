"""Puts the questions of a case to the warehouse's own methods, and says where the oracle disagrees."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from properties.questions import Asked, Case, Questions

from clickhouse.scope import Scope
from clickhouse.segments import parse
from clickhouse.warehouse import Warehouse

Answers = dict[str, Any]
AT_ONCE = 3


def mismatches(case: Case, warehouse: Warehouse) -> list[str]:
    """One line for each question whose answer is not the oracle's."""
    right = expected(case)
    said = answers(warehouse, case.asked, case.questions)
    return [
        f"{name}: said {said[name]}, right is {right[name]}" for name in right if said[name] != right[name]
    ]


def expected(case: Case) -> Answers:
    """What the oracle says, by kind of question. Exact users by type are counted from the raw events."""
    oracle, asked = case.oracle(), case.questions
    first, last = asked.first, asked.last
    returning = oracle.returning(asked.day, asked.days)
    return {
        "dau": oracle.dau(first, last),
        "top_events": oracle.top_events(first, last, asked.limit),
        "daily": case.oracle(raw=case.asked.exact).daily(first, last),
        "retention": [row[:3] for row in oracle.retention(asked.start, asked.windows, asked.period)],
        "retention_7d": oracle.retention_7d(first, last),
        "returning": (returning, {len(returning)}),
    }


def answers(warehouse: Warehouse, asker: Asked, asked: Questions) -> Answers:
    """The same from the warehouse, in the oracle's shapes; several at once, as the API asks."""
    scope = Scope(
        tz=asker.tz,
        segments=tuple(parse(str(segment)) for segment in asker.segments),
        bots=asker.bots,
        exact=asker.exact,
    )
    first, last = asked.first, asked.last
    ask: dict[str, Callable[[], Any]] = {
        "dau": lambda: [(row.date, row.users) for row in warehouse.dau(scope, first, last).rows],
        "top_events": lambda: [
            (row.event_type, row.count) for row in warehouse.top_events(scope, first, last, asked.limit).rows
        ],
        "daily": lambda: [
            (row.date, row.event_type, row.users, row.points, row.actions)
            for row in warehouse.daily(scope, first, last).rows
        ],
        "retention": lambda: [
            (row.cohort, row.size, list(row.users))
            for row in warehouse.retention(scope, asked.start, asked.windows, asked.period).rows
        ],
        "retention_7d": lambda: [
            (row.date, row.total_users, row.returned)
            for row in warehouse.retention_7d(scope, first, last).rows
        ],
        "returning": lambda: _pages(warehouse, scope, asked),
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {name: pool.submit(question) for name, question in ask.items()}
    return {name: question.result() for name, question in running.items()}


def _pages(warehouse: Warehouse, scope: Scope, asked: Questions) -> tuple[list[str], set[int]]:
    """Every user that is listed, page by page, and the numbers that the pages say: one, of all of them."""
    users: list[str] = []
    counts: set[int] = set()
    cursor: str | None = None
    while True:
        page = warehouse.returning(scope, asked.day, asked.days, asked.page, cursor)
        users += page.users
        counts.add(page.count)
        cursor = page.next_cursor
        if cursor is None:
            return users, counts
