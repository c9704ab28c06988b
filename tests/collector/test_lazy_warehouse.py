"""The warehouse that need not be there when the collector starts."""

import threading
from datetime import date
from typing import Any

import pytest

from clickhouse.client import Unavailable
from clickhouse.scope import Scope
from ugc_api.lazy_warehouse import LazyWarehouse

DAY = date(2026, 11, 1)


class Connects:
    """Fails until told otherwise; remembers with which time-out it was asked."""

    def __init__(self, warehouse: Any) -> None:
        self.away = True
        self.timeouts_s: list[float] = []
        self._warehouse = warehouse

    def __call__(self, timeout_s: float) -> Any:
        self.timeouts_s.append(timeout_s)
        if self.away:
            raise Unavailable("nobody there")
        return self._warehouse


@pytest.fixture
def connects(api: Any) -> Connects:
    return Connects(api.warehouse)


def test_nothing_connects_before_somebody_asks(connects: Connects) -> None:
    LazyWarehouse(connects, answer_timeout_s=10, ping_timeout_s=2)
    assert connects.timeouts_s == []


def test_it_answers_as_soon_as_it_is_there_and_connects_once(connects: Connects) -> None:
    warehouse = LazyWarehouse(connects, answer_timeout_s=10, ping_timeout_s=2)
    with pytest.raises(Unavailable):
        warehouse.dau(Scope(), DAY, DAY)
    connects.away = False
    assert [row.date for row in warehouse.dau(Scope(), DAY, DAY).rows] == [DAY]
    warehouse.freshness()
    assert connects.timeouts_s == [10, 10], "one that failed, one that is kept"


def test_readiness_asks_with_its_own_short_patience(connects: Connects) -> None:
    connects.away = False
    warehouse = LazyWarehouse(connects, answer_timeout_s=10, ping_timeout_s=2)
    warehouse.ping()
    warehouse.ping()
    assert connects.timeouts_s == [2]


def test_every_question_reaches_the_warehouse_as_it_was_asked(connects: Connects, api: Any) -> None:
    connects.away = False
    warehouse = LazyWarehouse(connects, answer_timeout_s=10, ping_timeout_s=2)
    scope = Scope(tz="Europe/Berlin")
    warehouse.dau(scope, DAY, DAY)
    warehouse.top_events(scope, DAY, DAY, 5)
    warehouse.daily(scope, DAY, DAY, 6)
    warehouse.retention(scope, DAY, 3, "week")
    warehouse.retention_7d(scope, DAY, DAY)
    warehouse.returning(scope, DAY, 7, 8, "c")
    assert api.warehouse.asked == [
        ("dau", scope, DAY, DAY),
        ("top_events", scope, DAY, DAY, 5),
        ("daily", scope, DAY, DAY, 6),
        ("retention", scope, DAY, 3, "week"),
        ("retention_7d", scope, DAY, DAY),
        ("returning", scope, DAY, 7, 8, "c"),
    ]


def test_nobody_waits_for_ever_behind_one_who_connects(api: Any) -> None:
    begun, let_go = threading.Event(), threading.Event()

    def connect(_: float) -> Any:
        begun.set()
        assert let_go.wait(30)
        return api.warehouse

    warehouse = LazyWarehouse(connect, answer_timeout_s=0.05, ping_timeout_s=0.05)
    first = threading.Thread(target=warehouse.freshness)
    first.start()
    try:
        assert begun.wait(30)
        with pytest.raises(Unavailable, match="still connecting"):
            warehouse.freshness()
    finally:
        let_go.set()
        first.join(30)
    assert warehouse.freshness() == api.warehouse.freshness()
