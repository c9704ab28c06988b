"""The list of users comes from the very query that counted them: read page by page it is the number."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from clickhouse import migrate
from clickhouse.client import connect
from clickhouse.warehouse import Warehouse
from telemetry.clock import SystemClock

DATABASE = "paging"
USERS = 257
DAY = datetime.now(UTC).date() - timedelta(days=2)
# On DAY everybody, three days before every user with an even number; names that are hard to carry about.
FILL = """
INSERT INTO events_raw
    (event_id, occurred_at, user_id, event_type, properties, value, session_id, received_at, ip,
     user_agent_family, kafka_topic_id, kafka_partition, kafka_offset)
SELECT
    generateUUIDv4(), {at:DateTime64(3, 'UTC')}, concat({odd:String}, toString(number)), 'click', '{}', 0, '',
    {at:DateTime64(3, 'UTC')}, '', '', 'topic', 0, number + {offset:UInt64}
FROM numbers({users:UInt64})
WHERE number % {step:UInt64} = 0
"""
ODD = "ü +&=/\"'\\,\t\n%00 "


@pytest.fixture(scope="module")
def real(warehouse_dsn: Callable[[str], str]) -> Warehouse:
    dsn = warehouse_dsn("admin").rsplit("/", 1)[0] + f"/{DATABASE}"
    migrate.apply(dsn)
    client = connect(dsn)
    for back, step in ((0, 1), (3, 2)):
        at = datetime.combine(DAY - timedelta(days=back), datetime.min.time(), UTC)
        asked = {"at": at, "odd": ODD, "offset": back * USERS, "users": USERS, "step": step}
        client.command(FILL, parameters=asked)
    return Warehouse(client, clock=SystemClock())


@pytest.mark.parametrize("limit", [20, 128, 129, 1_000])
@pytest.mark.parametrize("segment", ["", "&segment=event_type:click"])
def test_the_pages_together_are_the_users_counted(
    make_api: Any, real: Warehouse, limit: int, segment: str
) -> None:
    client = make_api(warehouse=real).client
    address = f"/stats/returning?date={DAY}&days=3&limit={limit}{segment}"
    users: list[str] = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200, answer.text
        assert answer.json["data"]["count"] == (USERS + 1) // 2
        assert len(answer.json["data"]["users"]) <= limit
        users += answer.json["data"]["users"]
        address = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert users == sorted((f"{ODD}{n}" for n in range(0, USERS, 2)), key=str.encode)


def test_a_user_who_did_not_come_back_is_not_listed(make_api: Any, real: Warehouse) -> None:
    answer = make_api(warehouse=real).client.get(f"/stats/returning?date={DAY}&days=2")
    assert answer.json["data"] == {"count": 0, "users": [], "next_cursor": None}
