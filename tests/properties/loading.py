"""A warehouse of its own for many small histories, and the way each gets into it: the pipeline's own.

Tables are emptied between histories. Nothing in them is dropped by age, as histories lie where they like, and
nothing waits for the disk. `quick` also leaves the aggregates undivided by days, because a part a day is what
emptying and filling them costs; all else is as migrated.
"""

import itertools
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

from clickhouse_connect.driver.client import Client
from properties.histories import History, Sent
from warehouse_process import Process
from warehouse_rows import text_of

from clickhouse import migrate
from clickhouse.client import connect
from clickhouse.views import IDS, RAW, VIEWS
from etl.assignment import Assignment
from etl.batch import Batch
from etl.dedup import Dedup
from etl.load import ClickHouseStore
from etl.ranges import Offset, Position, Range

TABLES = (RAW, *(view.target for view in VIEWS))
# Ids are remembered from history to history: each has its own.
EMPTIED = tuple(table for table in TABLES if table != IDS.target)
SEEN_BYTES_MAX = 1_000_000
LATER = timedelta(seconds=1)


class Loader:
    """Puts one history after the other into a warehouse that nobody else uses."""

    def __init__(self, process: Process, *, quick: bool) -> None:
        self._admin: Client = connect(process.dsn("admin"))
        self._store = ClickHouseStore(connect(process.dsn("writer")))
        self._loads = itertools.count(1)
        for table in TABLES:
            self._admin.command(
                f"ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0"
            )
            self._admin.command(f"ALTER TABLE {table} REMOVE TTL")
            if quick and table != RAW:
                self._undivided(table)

    def _undivided(self, table: str) -> None:
        """Make the table anew without partitions; views find it by its name."""
        made = self._admin.query(
            "SELECT create_table_query FROM system.tables "
            "WHERE database = currentDatabase() AND name = {name:String}",
            parameters={"name": table},
        ).first_row[0]
        self._admin.command(f"DROP TABLE {table}")
        undivided = re.sub(r" PARTITION BY .*? ORDER BY ", " ORDER BY ", made)
        # A column that a migration added to such a table could not be there in a new one.
        self._admin.command(
            undivided.replace(" SETTINGS ", " SETTINGS allow_dimensions_outside_sorting_key = 1, ")
        )

    def load(self, history: History) -> None:
        """Empty the warehouse, store every delivery, and let go of the raw events that are too old by now."""
        for table in EMPTIED:
            self._admin.command(f"TRUNCATE TABLE {table}")
        load = next(self._loads)
        assignment = Assignment(topic="events", topic_id=str(load), partition=0, committed=Position(0))
        dedup = Dedup(self._store, seen_bytes_max=SEEN_BYTES_MAX, in_background=lambda _: None)
        first = 0
        for number, delivery in enumerate(history.deliveries):
            if delivery:
                self._store_one(dedup, assignment, delivery, first)
                if number in history.redone:
                    self._store_one(dedup, assignment, delivery, first, redo=True)
            first += len(delivery)
        gone = {event.at.date() for event in history.events() if history.forgotten(event.at.date())}
        self._let_go(gone)

    def _store_one(
        self,
        dedup: Dedup,
        assignment: Assignment,
        delivery: Sequence[Sent],
        first: int,
        *,
        redo: bool = False,
    ) -> None:
        """One range: what is new of it, in one insert; as the pipeline does, and does again after a crash."""
        batch = _batch(assignment, delivery, first)
        range_ = Range(assignment.topic_id, assignment.partition, batch.offsets[0], batch.offsets[-1])
        rows = dedup.keep_new(assignment, range_, batch, redo=redo).rows
        if rows:
            self._store.insert(rows.block(), token=range_.token)
        if redo:
            self._store.mend(range_, rows, token=range_.token)

    def _let_go(self, gone: set[date]) -> None:
        if gone:
            parts = ", ".join(f"DROP PARTITION '{day}'" for day in sorted(gone))
            self._admin.command(f"ALTER TABLE {RAW} {parts}")

    def close(self) -> None:
        """Let go of its connections."""
        self._admin.close()


@contextmanager
def warehouse_on(path: Path) -> Iterator[Process]:
    """A migrated warehouse on an empty directory."""
    process = Process(path)
    process.start()
    try:
        migrate.apply(process.dsn("admin"))
        yield process
    finally:
        process.kill()


def _batch(assignment: Assignment, delivery: Sequence[Sent], first: int) -> Batch:
    """The rows of a delivery, as the pipeline reads them from the log."""
    of_this = int(assignment.topic_id) << 96
    ids = [str(uuid.UUID(int=of_this | sent.number, version=4)) for sent in delivery]
    lines = [_line(assignment, first + place, ids[place], sent) for place, sent in enumerate(delivery)]
    return Batch(
        offsets=[Offset(first + place) for place in range(len(ids))],
        ids=[id_.encode() for id_ in ids],
        blocks=[b"\n".join(lines)],
        records=len(ids),
    )


def _line(assignment: Assignment, offset: int, event_id: str, sent: Sent) -> bytes:
    event = sent.event
    members = {
        "kafka_topic_id": assignment.topic_id,
        "kafka_partition": assignment.partition,
        "kafka_offset": offset,
        "event_id": event_id,
        "occurred_at": text_of(event.at),
        "user_id": event.user,
        "event_type": event.type,
        "value": event.value,
        "session_id": "",
        "skew_ms": None,
        "received_at": text_of(event.at + LATER),
        "ip": "10.0.0.0",
        "user_agent_family": "",
        "bot_reasons": ["said_so"] if event.bot else [],
    }
    # Properties lie in the log as they were sent, byte for byte.
    return f'{json.dumps(members, separators=(",", ":"))[:-1]},"properties":{event.properties}}}'.encode()
