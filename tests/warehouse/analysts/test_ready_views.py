"""The ready views say what the events say, and a day of one reads that day alone."""

import re
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from clickhouse_connect.driver.client import Client
from warehouse_rows import Stand, day_text, today_at

from clickhouse import migrate
from clickhouse.client import connect
from etl.load import ClickHouseStore

pytestmark = pytest.mark.stack

TODAY = today_at()


def ago(days: int) -> datetime:
    return TODAY - timedelta(days=days)


def day(days: int) -> str:
    return day_text(ago(days))


class Told:
    """Tells events one by one."""

    def __init__(self, here: Stand) -> None:
        self._here = here
        self._offset = 0

    def __call__(self, at: datetime, user: str, **said: Any) -> None:
        batch = self._here.batch(1, first=self._offset, times=[at], user_id=user, **said)
        self._offset += 1
        self._here.insert(batch)


@pytest.fixture(scope="module")
def client(warehouse_dsn: Callable[[str], str]) -> Iterator[Client]:
    """A database of its own with a small history: who came when, and what they did."""
    name = f"views_{uuid.uuid4().hex[:12]}"
    dsn = urlunsplit(urlsplit(warehouse_dsn("admin"))._replace(path=f"/{name}"))
    migrate.apply(dsn)
    made = connect(dsn)
    tell = Told(Stand(ClickHouseStore(made), made))
    # ann comes on each of four days, bob twice in a week, cid long ago and now; a bot every day.
    for days in (0, 1, 2, 3):
        tell(ago(days), "ann")
        tell(ago(days), "crawler", bot_reasons=["declared"])
    for days in (9, 3):
        tell(ago(days), "bob")
    for days in (20, 0):
        tell(ago(days), "cid")
    tell(ago(1), "ann", event_type="purchase", value=12.5, properties={"product_id": "p1"})
    tell(ago(1), "ann", event_type="purchase", value=7.5, properties={"product_id": "p2", "quantity": 2})
    for dwell in (1_000, 3_000.0, None):
        page = {"page": "/film/1", "kind": "film"} | ({} if dwell is None else {"dwell_ms": dwell})
        tell(ago(2), "ann", event_type="page_view", properties=page)
    tell(ago(2), "bob", event_type="page_view", properties={"page": "/"})
    watched = {"film_id": "f1", "duration_ms": 10_000, "watched_ms": 8_000}
    tell(ago(1), "ann", event_type="video_completed", properties=watched)
    tell(ago(1), "cid", event_type="video_completed", properties={"film_id": "f1", "watched_ms": 2_000})
    filters = {"genre": "drama", "rating": 8}
    tell(ago(0), "ann", event_type="search_filter_applied", properties={"filters": filters})
    tell(ago(0), "bob", event_type="search_filter_applied", properties={"filters": {"genre": "drama"}})
    yield made
    connect(warehouse_dsn("admin")).command(f"DROP DATABASE {name}")


def rows(client: Client, sql: str) -> list[tuple[Any, ...]]:
    return [
        tuple(str(each) if hasattr(each, "isoformat") else each for each in row)
        for row in client.query(sql).result_rows
    ]


def test_daily_users(client: Client) -> None:
    assert rows(client, "SELECT * FROM daily_users ORDER BY day DESC") == [
        (day(0), 3),
        (day(1), 2),
        (day(2), 2),
        (day(3), 2),
        (day(9), 1),
        (day(20), 1),
    ]


def test_daily_activity(client: Client) -> None:
    assert rows(client, f"SELECT * FROM daily_activity WHERE day = '{day(1)}' ORDER BY event_type") == [
        (day(1), "click", 1, 1.5, 1),
        (day(1), "purchase", 1, 20.0, 2),
        (day(1), "video_completed", 2, 3.0, 2),
    ]


def test_daily_top_events(client: Client) -> None:
    assert rows(client, f"SELECT * FROM daily_top_events WHERE day = '{day(1)}' ORDER BY place") == [
        (day(1), 1, "purchase", 2),
        (day(1), 2, "video_completed", 2),
        (day(1), 3, "click", 1),
    ]


def test_retention_7d(client: Client) -> None:
    assert rows(client, "SELECT * FROM retention_7d ORDER BY day DESC") == [
        (day(0), 3, 0, 0.0),
        (day(1), 2, 2, 100.0),
        (day(2), 2, 2, 100.0),
        (day(3), 2, 2, 100.0),
        (day(9), 1, 1, 100.0),
        (day(20), 1, 0, 0.0),
    ]


def test_returning_users(client: Client) -> None:
    assert rows(client, "SELECT * FROM returning_users ORDER BY day DESC") == [
        (day(0), 3, 3, 100.0),
        (day(1), 2, 1, 50.0),
        (day(2), 2, 2, 100.0),
        (day(3), 2, 1, 50.0),
        (day(9), 1, 0, 0.0),
        (day(20), 1, 0, 0.0),
    ]


def test_daily_cohorts(client: Client) -> None:
    assert rows(client, f"SELECT * FROM daily_cohorts WHERE cohort = '{day(3)}' ORDER BY days_after") == [
        (day(3), 1, 0, 1, 100.0),
        (day(3), 1, 1, 1, 100.0),
        (day(3), 1, 2, 1, 100.0),
        (day(3), 1, 3, 1, 100.0),
    ]
    sizes = rows(client, "SELECT cohort, max(size) FROM daily_cohorts GROUP BY cohort ORDER BY cohort DESC")
    assert sizes == [(day(3), 1), (day(9), 1), (day(20), 1)]
    late = rows(client, f"SELECT days_after FROM daily_cohorts WHERE cohort = '{day(20)}' ORDER BY 1")
    assert late == [(0,), (19,), (20,)]


def test_page_dwell(client: Client) -> None:
    assert rows(client, "SELECT * FROM page_dwell ORDER BY views DESC") == [
        (day(2), "/film/1", "film", 3, 1, 2.0, 2.0, 2.8),
        (day(2), "/", "", 1, 1, None, None, None),
    ]


def test_video_completion(client: Client) -> None:
    assert rows(client, "SELECT * FROM video_completion") == [(day(1), "f1", 2, 2, 5.0, 80.0)]


def test_filter_use(client: Client) -> None:
    assert rows(client, "SELECT * FROM filter_use ORDER BY filter") == [
        (day(0), "genre", '"drama"', 2, 2),
        (day(0), "rating", "8", 1, 1),
    ]


def test_spending_by_user(client: Client) -> None:
    assert rows(client, "SELECT * FROM spending_by_user") == [(day(1), "ann", 2, 2, 20.0)]


BY_DAY = (
    *("daily_users", "daily_activity", "daily_top_events"),
    *("page_dwell", "video_completion", "filter_use", "spending_by_user"),
)


@pytest.mark.parametrize("view", BY_DAY)
def test_a_day_of_a_view_reads_its_own_partition(view: str, client: Client) -> None:
    read = parts(client, f"SELECT * FROM {view} WHERE day = '{day(1)}'")
    assert read
    assert all(chosen < there for chosen, there in read), read


@pytest.mark.parametrize("view", ["retention_7d", "returning_users", "daily_cohorts"])
def test_what_looks_at_a_month_reads_that_month(view: str, client: Client) -> None:
    client.command(
        "INSERT INTO user_activity SELECT toDate(now('UTC')) - 60 - number, false, 'old', 1 FROM numbers(3)"
    )
    read = parts(client, f"SELECT * FROM {view}")
    assert any(chosen < there for chosen, there in read), read


def parts(client: Client, sql: str) -> list[tuple[int, int]]:
    """Of each table that is read: parts that are left after its partitions and bounds, and parts there."""
    found: list[tuple[int, int]] = []
    for (line,) in client.query(f"EXPLAIN indexes = 1 {sql}").result_rows:
        if "ReadFromMergeTree (by_day)" in line:
            # Of a projection the plan only knows the parts that are left.
            counted = "SELECT count() FROM system.parts WHERE active AND table = 'events_by_quarter_hour'"
            found.append((0, int(client.query(counted).first_row[0])))
        elif "ReadFromMergeTree" in line:
            found.append((0, 0))
        elif parts := re.search(r"Parts: (\d+)/(\d+)", line):
            found[-1] = (int(parts[1]), max(int(parts[2]), found[-1][1]))
    return found


@pytest.mark.parametrize("view", [*BY_DAY, "retention_7d", "returning_users", "daily_cohorts"])
def test_an_analyst_may_ask_each(view: str, warehouse_dsn: Callable[[str], str]) -> None:
    analyst = connect(warehouse_dsn("analyst"))
    assert analyst.query(f"SELECT count() FROM (SELECT * FROM {view})").first_row
    analyst.close()
