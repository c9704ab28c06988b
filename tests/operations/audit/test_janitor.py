"""`ugc janitor` on tables whose TTL was switched off: what is over its time goes, and nothing else."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from warehouse_rows import Stand, day_text, today_at

from clickhouse.client import connect
from clickhouse.janitor import KEPT_DAYS
from clickhouse.views import RAW_KEPT_DAYS
from etl.asking import Warehouse
from etl.oldest import OldestRows
from telemetry.clock import SystemClock
from telemetry.metrics import Metrics

pytestmark = pytest.mark.stack

TODAY = today_at()


@pytest.fixture(scope="module", autouse=True)
def _stalled(database: str) -> None:
    """As a warehouse that drops nothing by itself."""
    admin = connect(database)
    for table in KEPT_DAYS:
        admin.command(f"ALTER TABLE {table} REMOVE TTL")
    admin.close()


def days(here: Stand, table: str, column: str) -> set[str]:
    return {
        row[0]
        for row in here.admin.query(f"SELECT DISTINCT toString(toDate({column})) FROM {table}").result_rows
    }


def test_what_is_over_its_time_goes_and_nothing_else(here: Stand, ugc: Callable[..., Any]) -> None:
    last_kept = TODAY - timedelta(days=RAW_KEPT_DAYS)
    for number, at in enumerate(
        (TODAY, last_kept, last_kept - timedelta(days=3), TODAY - timedelta(days=190))
    ):
        here.insert(here.batch(4, first=10 * number, times=[at]))
    would = ugc("janitor", "--dry-run", "--json")
    assert would.code == 0
    named = {(each["table"], each["partition"]) for each in would.json["overdue"]}
    assert named == {
        ("events_raw", day_text(last_kept - timedelta(days=3))),
        ("events_raw", day_text(TODAY - timedelta(days=190))),
        ("event_ids", day_text(TODAY - timedelta(days=190))),
        ("events_by_quarter_hour", day_text(TODAY - timedelta(days=190))),
        ("user_activity", day_text(TODAY - timedelta(days=190))),
    }
    assert len(days(here, "events_raw", "occurred_at")) == 4, "a dry run drops nothing"
    done = ugc("janitor")
    assert done.code == 0
    assert f"dropped  events_raw {day_text(TODAY - timedelta(days=190))}: 4 rows" in done.out
    assert days(here, "events_raw", "occurred_at") == {day_text(TODAY), day_text(last_kept)}
    assert (
        len(days(here, "user_activity", "day")) == len(days(here, "events_by_quarter_hour", "bucket_at")) == 3
    )
    assert ugc("janitor").out == "nothing is overdue\n"


def test_how_old_the_oldest_row_is_can_be_seen(here: Stand) -> None:
    metrics = Metrics()
    oldest = OldestRows(Warehouse(here.admin, answer_within_s=10), metrics, clock=SystemClock())

    def days_old(table: str) -> float:
        oldest.look()
        at = metrics.registry.get_sample_value("ugc_warehouse_oldest_row_at_seconds", {"table": table})
        assert at is not None
        return round((SystemClock().now().timestamp() - at) / 86_400, 1)

    assert days_old("events_raw") == 0, "in an empty table nothing is old"
    here.insert(here.batch(3, times=[TODAY - timedelta(days=35)]))
    due = (SystemClock().now() - TODAY).total_seconds() / 86_400 + 35
    assert days_old("events_raw") == pytest.approx(due, abs=0.1)
    assert days_old("event_ids") == pytest.approx(due, abs=0.1)
    assert 35 <= days_old("user_activity") <= 36
