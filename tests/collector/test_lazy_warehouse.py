"""The warehouse that need not be there when the collector starts."""

from datetime import date
from typing import Any

import pytest

from clickhouse.client import Unavailable
from ugc_api.lazy_warehouse import LazyWarehouse

DAY = date(2026, 11, 1)


class Connects:
    """Fails until told otherwise; remembers with which time-out it was asked."""

    def __init__(self, warehouse: Any) -> None:
        self.away = True
        self.timeouts_s: list[int] = []
        self._warehouse = warehouse

    def __call__(self, timeout_s: int) -> Any:
        self.timeouts_s.append(timeout_s)
        if self.away:
            raise Unavailable("nobody there")
        return self._warehouse


@pytest.fixture
def connects(api: Any) -> Connects:
    return Connects(api.warehouse)


def test_nothing_connects_before_somebody_asks(connects: Connects) -> None:
    LazyWarehouse(connects, read_timeout_s=10, ping_timeout_s=2)
    assert connects.timeouts_s == []


def test_it_answers_as_soon_as_it_is_there_and_connects_once(connects: Connects) -> None:
    warehouse = LazyWarehouse(connects, read_timeout_s=10, ping_timeout_s=2)
    with pytest.raises(Unavailable):
        warehouse.dau(DAY, DAY)
    connects.away = False
    assert [row.date for row in warehouse.dau(DAY, DAY)] == [DAY]
    warehouse.freshness()
    assert connects.timeouts_s == [10, 10], "one that failed, one that is kept"


def test_readiness_asks_with_its_own_short_patience(connects: Connects) -> None:
    connects.away = False
    warehouse = LazyWarehouse(connects, read_timeout_s=10, ping_timeout_s=2)
    warehouse.ping()
    warehouse.ping()
    assert connects.timeouts_s == [2]
