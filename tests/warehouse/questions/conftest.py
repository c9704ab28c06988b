"""A warehouse whose days do not pass: a database of its own, without TTL, filled with what a test says."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from clickhouse import migrate
from clickhouse.client import connect
from clickhouse.warehouse import Warehouse

DATABASE = "questions"


class StandingClock:
    """The time a test says."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def monotonic(self) -> float:
        return 0.0

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits here, not even {seconds} s")


class Held:
    """Tables that hold what `hold` was given last, and nothing else."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._count = 0
        rows = client.query(
            "SELECT name, engine_full LIKE '% TTL %' FROM system.tables "
            "WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'schema_versions'"
        ).result_rows
        self._tables = [name for name, _ in rows]
        for name, has_ttl in rows:
            if has_ttl:
                client.command(f"ALTER TABLE {name} REMOVE TTL")

    def hold(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Only these; each as the collector takes it, `bot_reasons` beside it, and no id needed."""
        for table in self._tables:
            self.client.command(f"TRUNCATE TABLE {table}")
        self._count = 0
        self.add(events)

    def add(self, events: Iterable[Mapping[str, Any]]) -> None:
        """These too."""
        lines = [json.dumps(_row(number, event)) for number, event in enumerate(events, self._count)]
        self._count += len(lines)
        if lines:
            self.client.raw_insert(
                "events_raw",
                insert_block="\n".join(lines).encode(),
                fmt="JSONEachRow",
                settings={
                    "insert_deduplication_token": str(uuid.uuid4()),
                    "date_time_input_format": "best_effort",
                },
            )

    def at(self, now: datetime) -> Warehouse:
        """Its answers at that time."""
        return Warehouse(self.client, clock=StandingClock(now))


class Listening:
    """In the place of a client: passes on what it is asked, and keeps it, with what was given beside it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.server_settings = client.server_settings
        self.asked: list[str] = []
        self.given: list[Mapping[str, Any]] = []

    def query(self, sql: str, **given: Any) -> Any:
        self.asked.append(sql)
        self.given.append(given["parameters"])
        return self._client.query(sql, **given)

    def news(self) -> list[str]:
        """What was asked since the last look."""
        asked, self.asked = self.asked, []
        return asked


def _row(number: int, event: Mapping[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(event["occurred_at"]).astimezone(UTC).isoformat(timespec="milliseconds")
    return {
        "event_id": str(uuid.UUID(int=number + 1)),
        "occurred_at": at,
        "user_id": event["user_id"],
        "event_type": event.get("event_type", "click"),
        "properties": json.dumps(event.get("properties", {}), separators=(",", ":")),
        "value": event.get("value", 0),
        "session_id": "",
        "received_at": at,
        "bot_reasons": event.get("bot_reasons", []),
        "kafka_topic_id": "topic",
        "kafka_partition": number % 4,
        "kafka_offset": number // 4,
    }


@pytest.fixture(scope="session")
def database_dsn(warehouse_dsn: Callable[[str], str]) -> Callable[[str], str]:
    """Where a database of that name is, for admin."""
    server = warehouse_dsn("admin").rsplit("/", 1)[0]
    return lambda name: f"{server}/{name}"


@pytest.fixture(scope="session")
def holding(database_dsn: Callable[[str], str]) -> Callable[[str], Held]:
    """The tables of the database of that name, which is there."""
    return lambda name: Held(connect(database_dsn(name)))


@pytest.fixture(scope="session")
def held(database_dsn: Callable[[str], str], holding: Callable[[str], Held]) -> Held:
    migrate.apply(database_dsn(DATABASE))
    return holding(DATABASE)
