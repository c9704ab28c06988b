"""`ugc audit` beside a running stack: all agrees, and what somebody breaks is named and mended."""

import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Producer
from services import LocalStack, click, until

from telemetry.settings import DATABASE

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

EVENTS = 40


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    made = LocalStack(tmp_path_factory.mktemp("stack") / "data")
    made.start()
    yield made
    if made.process is not None:
        made.stop()


def as_admin(stack: LocalStack, sql: str) -> None:
    secrets = json.loads(stack.ugc("settings", "--show-secrets", "--json").stdout)
    request = urllib.request.Request(
        f"http://127.0.0.1:{stack.environment['UGC_WAREHOUSE_PORT']}/?database={DATABASE}&mutations_sync=2",
        sql.encode(),
        {"X-ClickHouse-User": "admin", "X-ClickHouse-Key": secrets["UGC_ADMIN_PASSWORD"]},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        response.read()


def audit(stack: LocalStack) -> tuple[int, dict[str, Any]]:
    done = stack.ugc("audit", "--json", check=False)
    return done.returncode, json.loads(done.stdout)


def read_all(stack: LocalStack) -> dict[str, Any] | None:
    """What the audit says, once the ETL has read all but canaries that were just sent."""
    code, found = audit(stack)
    rows = sum(each["in_raw"] for each in found["tables"] if each["table"] == "events_raw")
    dead = sum(each["dead"] for each in found["log"])
    return {**found, "code": code} if rows == EVENTS and dead == 1 else None


def test_a_stack_at_work_is_audited_broken_and_mended(stack: LocalStack) -> None:
    events = [click(f"user-{number}") for number in range(EVENTS)]
    stack.post(events)
    # Straight into the log: copies that the collector did not see, and a record that nobody can read.
    producer = Producer({"bootstrap.servers": f"127.0.0.1:{stack.environment['UGC_KAFKA_PORT']}"})
    producer.produce("events", value=b"\xff not ours", key=b"k")
    assert producer.flush(10) == 0
    found = until(lambda: read_all(stack), within_s=60, what="all is read")
    assert (found["code"], found["wrong"]) == (0, [])
    assert sum(each["inserted"] for each in found["log"]) == EVENTS
    assert all(
        each["read"] == each["inserted"] + each["duplicates"] + each["dead"] + each["canaries"]
        for each in found["log"]
    )

    today = f"{datetime.now(UTC):%Y-%m-%d}"
    as_admin(stack, "ALTER TABLE user_activity DELETE WHERE user_id = 'user-7'")
    cells = f"events_by_quarter_hour WHERE toDate(bucket_at) = '{today}'"
    as_admin(stack, f"INSERT INTO events_by_quarter_hour SELECT * FROM {cells}")
    code, broken = audit(stack)
    assert code == 1
    assert {line.split()[0] for line in broken["wrong"]} == {"user_activity", "events_by_quarter_hour"}
    for day in broken["days_wrong"]:
        stack.ugc("rollup", "rebuild", "--day", day)
    assert audit(stack)[0] == 0
    assert stack.users_today() <= EVENTS


def test_what_forgets_by_age_is_watched(stack: LocalStack) -> None:
    address = f"http://127.0.0.1:{stack.environment['UGC_ETL_METRICS_PORT']}/metrics"

    def told() -> bool:
        with urllib.request.urlopen(address, timeout=10) as response:
            return 'ugc_warehouse_oldest_row_at_seconds{table="user_activity"}' in response.read().decode()

    until(told, within_s=30, what="the age of the oldest rows")
    checks = json.loads(stack.ugc("doctor", "--json", check=False).stdout)["checks"]
    retention = next(each for each in checks if each["check"] == "retention")
    assert (retention["ok"], retention["found"]) == (True, "no table holds rows beyond their time")
    assert json.loads(stack.ugc("janitor", "--json").stdout) == {"dropped": []}
