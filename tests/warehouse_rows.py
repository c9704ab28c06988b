"""Ranges of rows for tests of the store on the real engine, and what a test may see and break as admin."""

import json
import random
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from clickhouse_connect.driver.client import Client

from clickhouse.client import connect
from etl.batch import Batch
from etl.load import ClickHouseStore
from etl.ranges import Offset, Range

HOUR = timedelta(hours=1)


def today_at(hour: int = 0) -> datetime:
    """A time of today, UTC."""
    return datetime.now(UTC).replace(hour=hour, minute=7, second=3, microsecond=117_000)


def id_v4() -> str:
    return str(uuid.uuid4())


def id_v7(at: datetime | None = None) -> str:
    """An id that tells its time."""
    at_ms = round((at or datetime.now(UTC)).timestamp() * 1000)
    value = at_ms << 80 | 7 << 76 | random.getrandbits(12) << 64 | 2 << 62 | random.getrandbits(62)
    return str(uuid.UUID(int=value))


def text_of(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Stand:
    """A store, an admin beside it, and a topic that no other test has."""

    store: ClickHouseStore
    admin: Client
    # Kafka says it in base64, both of whose signs occur.
    topic_id: str = field(default_factory=lambda: f"{uuid.uuid4().hex[:20]}+/")
    partition: int = 0

    def line(self, offset: int, event_id: str, at: datetime, **changes: Any) -> bytes:
        members = {
            "kafka_topic_id": self.topic_id,
            "kafka_partition": self.partition,
            "kafka_offset": offset,
            "event_id": event_id,
            "occurred_at": text_of(at),
            "user_id": f"user-{offset % 7}",
            "event_type": "click",
            "value": 1.5,
            "session_id": "",
            "skew_ms": None,
            "received_at": text_of(at + timedelta(seconds=1)),
            "ip": "10.0.0.0",
            "user_agent_family": "",
            "bot_reasons": [],
            "properties": {"element": "play"},
        }
        return json.dumps({**members, **changes}, separators=(",", ":")).encode()

    def batch(
        self,
        count: int,
        *,
        first: int = 0,
        times: Iterable[datetime] = (),
        make_id: Callable[[], str] = id_v7,
        **changes: Any,
    ) -> Batch:
        """Rows at offsets first, first + 1, …, at `times` in turn."""
        at = list(times) or [today_at()]
        ids = [make_id() for _ in range(count)]
        return self.of(
            ids,
            [at[number % len(at)] + timedelta(milliseconds=number) for number in range(count)],
            first,
            **changes,
        )

    def of(self, ids: list[str], times: list[datetime], first: int = 0, **changes: Any) -> Batch:
        """Rows of these ids at these times."""
        lines = [
            self.line(first + number, event_id, at, **changes)
            for number, (event_id, at) in enumerate(zip(ids, times, strict=True))
        ]
        return Batch(
            offsets=[Offset(first + number) for number in range(len(ids))],
            ids=[event_id.encode() for event_id in ids],
            blocks=[b"\n".join(lines)] if lines else [],
            records=len(ids),
        )

    def range_of(self, batch: Batch) -> Range:
        return Range(self.topic_id, self.partition, batch.offsets[0], batch.offsets[-1])

    def insert(self, batch: Batch) -> Range:
        """As the pipeline does."""
        range_ = self.range_of(batch)
        self.store.insert(batch.block(), token=range_.token)
        return range_

    def redo(self, batch: Batch) -> Any:
        """As the pipeline does after a crash: the barrier, then the check."""
        range_ = self.insert(batch)
        return self.store.mend(range_, batch, token=range_.token)

    def counts(self) -> dict[str, int]:
        """Rows of this topic: in raw, counted, remembered; and different ids in raw."""
        here = f"WHERE kafka_topic_id = '{self.topic_id}'"
        one = self.admin.query(
            f"""SELECT
                (SELECT count() FROM events_raw {here}),
                (SELECT uniqExact(event_id) FROM events_raw {here}),
                (SELECT countMerge(actions) FROM events_by_quarter_hour {here}),
                (SELECT uniqExact(id) FROM event_ids {here})"""
        ).first_row
        return dict(zip(("raw", "distinct", "counted", "ids"), map(int, one), strict=True))

    def ids_in_raw(self) -> set[bytes]:
        """As a batch spells them."""
        rows = self.admin.query(
            f"SELECT toString(event_id) FROM events_raw WHERE kafka_topic_id = '{self.topic_id}'"
        ).result_rows
        return {str(event_id).encode() for (event_id,) in rows}

    def whole(self, count: int) -> dict[str, int]:
        return dict.fromkeys(("raw", "distinct", "counted", "ids"), count)

    def sums(self) -> tuple[int, float]:
        """Unique users and points, as the aggregate says."""
        users, points = self.admin.query(
            f"SELECT uniqMerge(users), sumMerge(points) FROM events_by_quarter_hour "
            f"WHERE kafka_topic_id = '{self.topic_id}'"
        ).first_row
        return int(users), float(points)

    def delete(self, table: str, where: str = "1") -> None:
        """As admin, behind the product's back; the tokens stay known."""
        self.mutate(table, f"kafka_topic_id = '{self.topic_id}' AND ({where})")

    def mutate(self, table: str, where: str) -> None:
        """Delete rows of any topic."""
        self.admin.command(f"ALTER TABLE {table} DELETE WHERE {where} SETTINGS mutations_sync = 2")


# To make one asks the server four times; tests that take turns share it.
client_of = cache(connect)


def stand(warehouse_dsn: Callable[[str], str]) -> Stand:
    """On the warehouse of the run."""
    return Stand(ClickHouseStore(client_of(warehouse_dsn("writer"))), client_of(warehouse_dsn("admin")))


def days_before(count: int) -> list[datetime]:
    """Now, yesterday, …: so many different days."""
    return [today_at() - timedelta(days=number) for number in range(count)]


def day_text(at: datetime) -> str:
    day: date = at.date()
    return day.isoformat()
