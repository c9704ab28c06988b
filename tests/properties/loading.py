"""A warehouse of its own for many small histories, and the way they get into it: the pipeline's own.

Tables are emptied between loads, and hold some tens of histories at a time. Nothing is dropped by age, as
histories lie where they like, nothing waits for the disk, and parts are merged when a load says so, not by
chance: most answers are put together from parts as inserts left them. All else is as migrated for the first
loads; then the aggregates are no longer divided by days, because a part a day is what filling and emptying
them costs. The events themselves always are: what is left out of a day's part is left out of an answer.
"""

import itertools
import json
import re
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import ready_made
from clickhouse_connect.driver.client import Client
from properties.histories import History, Sent
from warehouse_process import Process
from warehouse_rows import text_of

from clickhouse.client import connect
from clickhouse.views import RAW, VIEWS
from etl.assignment import Assignment
from etl.batch import Batch
from etl.dedup import Dedup
from etl.load import ClickHouseStore
from etl.ranges import Offset, Position, Range

TABLES = (RAW, *(view.target for view in VIEWS))
SEEN_BYTES_MAX = 1_000_000
LATER = timedelta(seconds=1)
# One load in so many is merged before anybody asks.
MERGED_EVERY = 4
LOADS_AS_MIGRATED = 1

# Of which history, and what it sent.
Item = tuple[int, Sent]


class Loader:
    """Puts histories into a warehouse that nobody else uses."""

    def __init__(self, process: Process) -> None:
        self._admin: Client = connect(process.dsn("admin"))
        self._store = ClickHouseStore(connect(process.dsn("writer")))
        self._loads = itertools.count(1)
        for table in TABLES:
            self._admin.command(
                f"ALTER TABLE {table} MODIFY SETTING fsync_after_insert = 0, fsync_part_directory = 0"
            )
            self._admin.command(f"ALTER TABLE {table} REMOVE TTL")
            self._admin.command(f"SYSTEM STOP MERGES {table}")

    def _undivide(self, table: str) -> None:
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
        self._admin.command(f"SYSTEM STOP MERGES {table}")

    def load(self, histories: Sequence[History]) -> None:
        """Empty the warehouse, store every delivery, and let go of the raw events that are too old by now.

        The first deliveries of all are a range, or two when some of them are redone; then the second ones.
        """
        load = next(self._loads)
        for table in TABLES:
            if load == LOADS_AS_MIGRATED + 1 and table != RAW:
                self._undivide(table)
            else:
                self._admin.command(f"TRUNCATE TABLE {table}")
        self._store_all(histories, load)
        self._let_go(histories)
        if load % MERGED_EVERY == 0:
            self._merge()

    def _store_all(self, histories: Sequence[History], load: int) -> None:
        assignment = Assignment(topic="events", topic_id=str(load), partition=0, committed=Position(0))
        dedup = Dedup(self._store, seen_bytes_max=SEEN_BYTES_MAX, in_background=lambda _: None)
        first = 0
        for number in range(max((len(history.deliveries) for history in histories), default=0)):
            for redone in (False, True):
                items = _delivered(histories, number, redone=redone)
                if items:
                    self._store_range(dedup, assignment, items, first, redone=redone)
                first += len(items)

    def _store_range(
        self, dedup: Dedup, assignment: Assignment, items: Sequence[Item], first: int, *, redone: bool
    ) -> None:
        """What is new of it, in one insert; as the pipeline does, and does again after a crash."""
        batch = _batch(assignment, items, first)
        range_ = Range(assignment.topic_id, assignment.partition, batch.offsets[0], batch.offsets[-1])
        for again in (False, True) if redone else (False,):
            rows = dedup.keep_new(assignment, range_, batch, redo=again).rows
            if rows:
                self._store.insert(rows.block(), token=range_.token)
            if again:
                self._store.mend(range_, rows, token=range_.token)

    def _let_go(self, histories: Sequence[History]) -> None:
        gone = {
            event.at.date()
            for history in histories
            for event in history.events()
            if history.forgotten(event.at.date())
        }
        if gone:
            parts = ", ".join(f"DROP PARTITION '{day}'" for day in sorted(gone))
            self._admin.command(f"ALTER TABLE {RAW} {parts}")

    def _merge(self) -> None:
        for table in TABLES:
            self._admin.command(f"SYSTEM START MERGES {table}")
            self._admin.command(
                f"OPTIMIZE TABLE {table} FINAL", settings={"optimize_skip_merged_partitions": 1}
            )
            self._admin.command(f"SYSTEM STOP MERGES {table}")

    def close(self) -> None:
        """Let go of its connections."""
        self._admin.close()


@contextmanager
def warehouse_on(path: Path) -> Iterator[Process]:
    """A warehouse with the schema and nothing in it."""
    process = Process(path)
    ready_made.warehouse_at(path)
    process.start()
    try:
        yield process
    finally:
        process.kill()


def _delivered(histories: Sequence[History], number: int, *, redone: bool) -> list[Item]:
    """What came with the deliveries of that number, of the histories in which it is redone or is not."""
    return [
        (lane, sent)
        for lane, history in enumerate(histories)
        if number < len(history.deliveries) and (number in history.redone) is redone
        for sent in history.deliveries[number]
    ]


def _batch(assignment: Assignment, items: Sequence[Item], first: int) -> Batch:
    """Their rows, as the pipeline reads them from the log."""
    load = int(assignment.topic_id)
    ids = [str(uuid.UUID(int=load << 96 | lane << 32 | sent.number, version=4)) for lane, sent in items]
    lines = [_line(assignment, first + place, ids[place], sent) for place, (_, sent) in enumerate(items)]
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
