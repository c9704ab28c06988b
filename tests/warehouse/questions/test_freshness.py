"""How fresh answers are goes by when events arrived, not by when they happened."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clickhouse.answers import Freshness

pytestmark = pytest.mark.stack

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def _event(ago: timedelta) -> dict[str, Any]:
    return {"occurred_at": (NOW - ago).isoformat(), "user_id": "anna"}


def _arrived_last(held: Any) -> tuple[datetime, datetime]:
    sql = "SELECT max(ingested_at), max(received_at) FROM events_raw"
    return tuple(held.client.query(sql, tz_mode="aware").result_rows[0])


@pytest.mark.parametrize("ago", [timedelta(minutes=1), timedelta(days=3), timedelta(days=170)])
def test_an_event_counts_however_old_it_was(held: Any, ago: timedelta) -> None:
    held.hold([_event(ago)])
    ingested_at, received_at = _arrived_last(held)
    freshness = held.at(NOW).freshness()
    assert freshness == Freshness(ingested_at, (ingested_at - received_at).total_seconds())


def test_a_warehouse_that_holds_nothing_says_nothing(held: Any) -> None:
    held.hold([])
    assert held.at(NOW).freshness() == Freshness(None, None)


def test_the_lag_is_that_of_what_came_last(held: Any) -> None:
    """One that waited ten minutes comes after one that did not wait at all."""
    held.hold([_event(timedelta(minutes=1))])
    time.sleep(0.01)  # the warehouse tells arrivals apart by the millisecond
    late = NOW - timedelta(minutes=10)
    held.add([_event(timedelta(minutes=10))])
    ingested_at, _ = _arrived_last(held)
    assert held.at(NOW).freshness() == Freshness(ingested_at, (ingested_at - late).total_seconds())
