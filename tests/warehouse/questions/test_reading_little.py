"""What each question reads: the parts of the days asked for, and no others."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse import segments
from clickhouse.scope import Scope
from clickhouse.warehouse import Warehouse

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
DAYS = 30
FIRST, LAST = date(2026, 3, 10), date(2026, 3, 12)
SEGMENTS = ((), (segments.parse("properties.n>5"),))
ZONES = ("UTC", "Europe/Berlin", "Asia/Kathmandu")


class Explaining:
    """In the place of a client: answers nothing and keeps the plan of what it was asked."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.server_settings = client.server_settings
        self.plans: list[Any] = []

    def query(self, sql: str, **given: Any) -> Any:
        explained = self._client.query(f"EXPLAIN json = 1, indexes = 1 {sql}", **given)
        self.plans += json.loads("".join(row[0] for row in explained.result_rows))
        return self._client.query(sql, **given)


@pytest.fixture(scope="module")
def month(held: Any) -> Any:
    """A month of events: 40 users, each on every third day."""
    held.hold(
        [
            {
                "user_id": f"u{user}",
                "occurred_at": (NOW - timedelta(days=day, minutes=15 * user)).isoformat(),
                "properties": {"n": day},
            }
            for day in range(DAYS)
            for user in range(40)
            if (user + day) % 3 == 0
        ]
    )
    return held


def reads(plan: Any) -> Iterator[dict[str, Any]]:
    node = plan.get("Plan", plan)
    if node["Node Type"].startswith("ReadFromMergeTree"):
        yield node
    for child in node.get("Plans", ()):
        yield from reads(child)


CALLS = {
    "dau": (FIRST, LAST),
    "top_events": (FIRST, LAST, 10),
    "daily": (FIRST, LAST),
    "retention_7d": (FIRST, FIRST),
    "returning": (LAST, 3, 10, None),
    "retention": (FIRST, 1, "day"),
}


@pytest.mark.parametrize("tz", ZONES)
@pytest.mark.parametrize("within", SEGMENTS, ids=["all", "segment"])
@pytest.mark.parametrize("call", CALLS)
def test_only_the_days_asked_for_are_read(month: Any, call: str, within: Any, tz: str) -> None:
    client = Explaining(month.client)
    warehouse = Warehouse(client, clock=month.at(NOW)._clock)  # type: ignore[arg-type]
    getattr(warehouse, call)(Scope(tz=tz, segments=within), *CALLS[call])
    assert client.plans
    for plan in client.plans:
        for read in reads(plan):
            table = read["Description"].rsplit(".", 1)[-1]
            if table == "user_spans":
                continue
            # A projection has the parts of those days alone to begin with.
            parts = min(index["Selected Parts"] for index in read["Indexes"])
            # A first event of a kind may lie anywhere before the days asked for.
            most = DAYS - 18 if (call, bool(within)) == ("retention", True) else 10
            assert 0 < parts <= most, (table, read["Indexes"])


@pytest.mark.parametrize("call", ["daily", "top_events"])
@pytest.mark.parametrize(
    ("tz", "source"),
    [("UTC", "by_day"), ("Europe/Berlin", "questions.events_by_quarter_hour")],
)
def test_figures_by_type_come_from_the_coarsest_states_there_are(
    month: Any, call: str, tz: str, source: str
) -> None:
    client = Explaining(month.client)
    warehouse = Warehouse(client, clock=month.at(NOW)._clock)  # type: ignore[arg-type]
    getattr(warehouse, call)(Scope(tz=tz), *CALLS[call])
    assert [read["Description"] for read in reads(client.plans[-1])] == [source]


class Telling(Explaining):
    """Keeps the plan as text; `how`: what else of it is said."""

    def __init__(self, client: Client, how: str) -> None:
        super().__init__(client)
        self._how = how

    def query(self, sql: str, **given: Any) -> Any:
        explained = self._client.query(f"EXPLAIN {self._how} = 1 {sql}", **given)
        self.plans += ["\n".join(row[0] for row in explained.result_rows)]
        return self._client.query(sql, **given)


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize("call", ["retention", "retention_7d", "returning"])
def test_days_of_utc_need_no_quarter_hours(month: Any, call: str, tz: str) -> None:
    client = Telling(month.client, "header")
    warehouse = Warehouse(client, clock=month.at(NOW)._clock)  # type: ignore[arg-type]
    getattr(warehouse, call)(Scope(tz=tz), *CALLS[call])
    *_, plan = client.plans
    assert "user_hash" in plan
    assert ("quarter_hours" in plan) == (tz != "UTC")


@pytest.mark.parametrize("tz", ["UTC", "Asia/Kathmandu"])
@pytest.mark.parametrize("call", CALLS)
def test_whole_days_are_not_tested_row_by_row_before_they_are_read(month: Any, call: str, tz: str) -> None:
    """Where the role may ask for that; where it may not, it is answered the same."""
    client, other = Telling(month.client, "actions"), Telling(month.client, "actions")
    other.server_settings = {}
    answers = [
        getattr(Warehouse(each, clock=month.at(NOW)._clock), call)(Scope(tz=tz), *CALLS[call])  # type: ignore[arg-type]
        for each in (client, other)
    ]
    assert answers[0] == answers[1]
    assert "Prewhere" not in client.plans[-1]
    # A projection never is.
    assert ("Prewhere" in other.plans[-1]) == ("by_day" not in other.plans[-1])
