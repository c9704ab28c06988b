"""The read-only users may ask every question: no function or table of one is kept from them."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse import catalog, segments
from clickhouse.asking import WHOLE_DAYS, ask
from clickhouse.client import connect
from clickhouse.scope import Scope
from clickhouse.warehouse import Warehouse
from telemetry.clock import SystemClock

pytestmark = pytest.mark.stack

FORMS = (
    "event_type:click",
    "properties.a in x,1,true",
    "properties.b<2.5",
    "properties.country!=x",
    "properties.dwell_ms>2.5",
)
SCOPES = (
    Scope(),
    Scope(tz="Europe/Berlin", exact=True, bots=True),
    Scope(tz="Asia/Kathmandu", segments=tuple(map(segments.parse, FORMS))),
)
ANALYSTS = [name for name in catalog.names() if catalog.query(name).asks == "analysts"]


@pytest.fixture(params=["reader", "analyst"])
def client(request: pytest.FixtureRequest, warehouse_dsn: Callable[[str], str]) -> Client:
    return connect(warehouse_dsn(request.param))


@pytest.mark.parametrize("scope", SCOPES, ids=["plain", "exact", "segments"])
def test_every_call(client: Client, scope: Scope) -> None:
    warehouse = Warehouse(client, clock=SystemClock())
    today = datetime.now(ZoneInfo(scope.tz)).date()
    first = date.fromordinal(today.toordinal() - 90)
    assert len(warehouse.dau(scope, first, today).rows) == 91
    assert len(warehouse.retention_7d(scope, first, today).rows) == 91
    assert len(warehouse.retention(scope, first, 30, "week").rows) == 13
    assert warehouse.top_events(scope, first, today, 10).method == "exact"
    assert warehouse.daily(scope, first, today).held_since <= today
    assert warehouse.returning(scope, today, 30, 10, None).count >= 0


@pytest.mark.parametrize("name", ANALYSTS)
def test_every_question_of_analysts(client: Client, name: str) -> None:
    asked = {"first": date(2026, 11, 1), "last": date(2026, 11, 2), "tz": "Europe/Berlin", "limit": 10}
    ask(client, catalog.query(name).sql, **asked)


def test_the_api_may_ask_in_the_quickest_way(warehouse_dsn: Callable[[str], str]) -> None:
    with connect(warehouse_dsn("reader")) as reader:
        assert not [name for name in WHOLE_DAYS if reader.server_settings[name].readonly]
