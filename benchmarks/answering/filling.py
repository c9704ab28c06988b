"""Generated events into the warehouse, block by block as the ETL inserts them; and what is right then."""

import uuid
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
from clickhouse_connect.driver.client import Client

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.session import Session
from clickhouse.client import connect
from contract.limits import DAY_MS
from etl.batch import Block
from etl.load import ANSWER_WITHIN_S, ClickHouseStore
from ops.generating.plan import Plan
from ops.generating.writing import Chunk, generate, instants

# As large as the ETL's largest range, and as many at once as it has loaders.
BLOCK_ROWS = 100_000
LOADERS = 2
PARTITIONS = 4
TOPIC_ID = "generated"
# One user in so many is a bot by its own word, and left out of the answers.
BOT_ONE_IN = 64
DAYS_OF_RAW = 30
# A hundred million rows on a small machine merge for minutes.
MERGED_WITHIN_S = 900
LOOK_EVERY_S = 0.25
CALM_LOOKS = 8

# A row as the ETL sends it: what the log knows, and the value of a record.
_PLACED = b'{"kafka_topic_id":"%b","kafka_partition":%d,"kafka_offset":%d,%b'
_VALUE = (
    b'"event_id":"%b","occurred_at":"%b","user_id":"%b","event_type":"%b","value":%b,"session_id":"%b",'
    b'"skew_ms":null,"received_at":"%b","ip":"203.0.113.0","user_agent_family":"Firefox","bot_reasons":%b,'
    b'"properties":%b}'
)
_PERSON, _BOT = b"[]", b'["user_agent"]'
_MERGING = "SELECT count() FROM system.merges WHERE database = currentDatabase()"
# The days of the tables that merge a quiet day whole, but for the one that runs.
_QUIET = """
SELECT table, arrayJoin(arraySlice(arraySort(groupUniqArray(partition_id)), 1, -1)) AS day
FROM system.parts
WHERE active AND database = currentDatabase() AND table IN (
    SELECT name FROM system.tables
    WHERE database = currentDatabase() AND engine_full LIKE '%min_age_to_force_merge_on_partition_only = 1%')
GROUP BY table
"""


@dataclass(slots=True)
class Truth:
    """What the generator knows of the events that it made: a right warehouse says the same."""

    users: int
    first: date
    events: int = 0
    _seen: npt.NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        self._seen = np.zeros((DAYS_OF_RAW + 2, self.users), np.bool_)

    @classmethod
    def of(cls, plan: Plan) -> "Truth":
        """Nothing yet, of the days of this plan."""
        return cls(plan.users, datetime.fromtimestamp(plan.begins_at_ms / 1000, UTC).date())

    def add(self, chunk: Chunk, people: npt.NDArray[np.bool_], every: npt.NDArray[np.bool_]) -> None:
        """Count the rows of a chunk that are marked: those of people, and all that are stored."""
        columns = chunk.columns
        self.events += int(every.sum())
        begins = (self.first - date(1970, 1, 1)).days
        self._seen[(columns.at_ms // DAY_MS - begins)[people], columns.user[people]] = True

    @property
    def dau(self) -> dict[date, int]:
        """Different people by day of UTC."""
        counts = self._seen.sum(axis=1).tolist()
        return {self.first + timedelta(days=n): count for n, count in enumerate(counts)}


def fill(session: Session, dsn: str, plan: Plan) -> Truth:
    """All originals of the plan, in blocks, by LOADERS at a time; returns when they are stored.

    Raises BenchFailed when one is refused.
    """
    truth = Truth.of(plan)
    began = session.clock.monotonic()
    # A client is safe between threads.
    with (
        connect(dsn, read_timeout_s=int(ANSWER_WITHIN_S)) as client,
        ThreadPoolExecutor(LOADERS) as loaders,
    ):
        store = ClickHouseStore(client)
        running: set[Future[None]] = set()
        for number, block in enumerate(blocks(plan, truth)):
            running.add(loaders.submit(store.insert, Block([block]), token=f"{TOPIC_ID}:{number}"))
            if len(running) > LOADERS:
                running = _first_of(running)
        while running:
            running = _first_of(running)
    took_s = session.clock.monotonic() - began
    session.say(f"{truth.events:,} events of {plan.users:,} users stored in {took_s:.1f} s")
    return truth


class Arrivals:
    """Events that come after the month: one at a time, of a partition of their own."""

    def __init__(self, client: Client, at: datetime) -> None:
        self._store = ClickHouseStore(client)
        self._at = at.isoformat(timespec="milliseconds").encode()
        self._count = 0

    def one(self) -> None:
        """Returns when it is stored."""
        event_id = str(uuid.uuid4()).encode()
        value = _VALUE % (event_id, self._at, b"late", b"click", b"0", b"", self._at, _PERSON, b"{}")
        self._store.insert(
            Block([_placed([value], PARTITIONS, self._count)]),
            token=f"{TOPIC_ID}:{PARTITIONS}:{self._count}",
        )
        self._count += 1


def settle(session: Session, dsn: str) -> None:
    """Wait until the warehouse has nothing left to merge. Raises BenchFailed when it does not end."""
    clock = session.clock
    deadline, calm = clock.monotonic() + MERGED_WITHIN_S, 0
    with connect(dsn) as client:
        while calm < CALM_LOOKS:
            calm = 0 if int(str(client.command(_MERGING))) else calm + 1
            if clock.monotonic() > deadline:
                raise BenchFailed(f"the warehouse still merges after {MERGED_WITHIN_S} s; its log says why")
            clock.sleep(LOOK_EVERY_S)


def rest(session: Session, dsn: str) -> None:
    """Bring on what the warehouse does by itself, ten minutes after a day's last event: make it one part."""
    with connect(dsn) as client:
        quiet = client.query(_QUIET).result_rows
        for table, day in quiet:
            client.command(f"OPTIMIZE TABLE `{table}` PARTITION ID '{day}' FINAL")
    tables = sorted({table for table, _ in quiet})
    session.setting("one part a day, as after ten quiet minutes, but for today", ", ".join(tables))


def _first_of(running: set[Future[None]]) -> set[Future[None]]:
    done, others = wait(running, return_when=FIRST_COMPLETED)
    for each in done:
        each.result()
    return others


def blocks(plan: Plan, truth: Truth) -> Iterator[bytes]:
    """The rows in the order in which they arrive, so many to a block; a block is of one partition."""
    waiting: list[bytes] = []
    number = 0
    for chunk in generate(plan):
        waiting += _values(chunk, truth)
        while len(waiting) >= BLOCK_ROWS:
            yield _block(waiting[:BLOCK_ROWS], number)
            del waiting[:BLOCK_ROWS]
            number += 1
    if waiting:
        yield _block(waiting, number)


def _block(values: list[bytes], number: int) -> bytes:
    """The partitions take turns; a block follows the one that its partition was given last."""
    return _placed(values, number % PARTITIONS, number // PARTITIONS * BLOCK_ROWS)


def _placed(values: list[bytes], partition: int, first: int) -> bytes:
    topic = TOPIC_ID.encode()
    return b"\n".join([_PLACED % (topic, partition, first + n, value) for n, value in enumerate(values)])


def _values(chunk: Chunk, truth: Truth) -> list[bytes]:
    """The events of a chunk that are no copies, as the log would hold them; they are counted on the way."""
    columns = chunk.columns
    is_bot = columns.user % BOT_ONE_IN == 0
    truth.add(chunk, ~columns.is_copy & ~is_bot, ~columns.is_copy)
    received_at = instants(np.maximum(columns.arrives_at_ms, columns.at_ms))
    reasons = [_BOT if each else _PERSON for each in is_bot.tolist()]
    every = zip(
        chunk.event_ids,
        chunk.occurred_at,
        chunk.user_ids,
        chunk.event_types,
        chunk.values,
        chunk.session_ids,
        received_at,
        reasons,
        chunk.properties,
        strict=True,
    )
    return [
        _VALUE % each for each, is_copy in zip(every, columns.is_copy.tolist(), strict=True) if not is_copy
    ]
