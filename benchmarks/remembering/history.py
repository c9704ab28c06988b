"""Ids of the last thirty days: made inside the warehouse, day by day, and left until it has merged them."""

from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from benchmarks.draining.drain import Table
from benchmarks.events import Ids
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.session import Session
from clickhouse.client import connect

DAYS = 30
DAY_MS = 86_400_000
# The newest stored id is so old: what is asked for next is younger, as in a pipeline that is up to date.
AGE_MS = 60_000
FILL_WITHIN_S = 600
MERGED_WITHIN_S = 900
LOOK_EVERY_S = 0.25
# Looks in a row that find no merge under way; the next one begins sooner after the last.
CALM_LOOKS = 8

# As RFC 9562 lays them out: 48 bits of time or chance, the version, 12 bits of chance, the variant, 62 bits.
FILL = """
INSERT INTO event_ids (id, kafka_topic_id, kafka_partition, kafka_offset, received_at)
WITH
    {begins_at_ms:UInt64} + intDiv(number * {spread_ms:UInt64}, {count:UInt64}) AS at_ms,
    sipHash64({seed:UInt64}, number) AS one,
    sipHash64({seed:UInt64}, number, 'low') AS low,
    if({version:UInt8} = 7, at_ms, bitShiftRight(sipHash64({seed:UInt64}, number, 'high'), 16)) AS high
SELECT
    bitShiftLeft(toUInt128(high), 80)
        + bitShiftLeft(toUInt128({version:UInt8}), 76)
        + bitShiftLeft(toUInt128(bitAnd(one, 4095)), 64)
        + bitShiftLeft(toUInt128(2), 62)
        + toUInt128(bitShiftRight(low, 2)),
    'history', number % 4, number, toDateTime(intDiv(at_ms, 1000), 'UTC')
FROM numbers({first:UInt64}, {rows:UInt64})
"""
COUNTS = """
SELECT count(), countIf(bitAnd(bitShiftRight(id, 76), 15) = {version:UInt8}), uniq(toDate(received_at))
FROM event_ids
"""
MERGING = "SELECT count() FROM system.merges WHERE table = 'event_ids'"
PARTS = """
SELECT count(), sum(bytes_on_disk) FROM system.parts
WHERE table = 'event_ids' AND database = currentDatabase() AND active
"""
EVERY = "SELECT id FROM event_ids WHERE kafka_offset % {step:UInt64} = 0 LIMIT {limit:UInt64}"


@dataclass(frozen=True, slots=True)
class History:
    """The filled table, and how it lies."""

    count: int
    parts: int
    bytes_on_disk: int


def fill(session: Session, dsn: str, *, version: Ids, count: int) -> History:
    """Tables as the migrations make them, with `count` ids of that version in event_ids. Raises Void."""
    Table(dsn).fresh()
    client = connect(dsn, read_timeout_s=FILL_WITHIN_S)
    now_ms = int(session.clock.now().timestamp() * 1000)
    given = {
        "begins_at_ms": now_ms - AGE_MS - DAYS * DAY_MS,
        "spread_ms": DAYS * DAY_MS,
        "count": count,
        "seed": session.seed,
        "version": int(version[-1]),
    }
    began = session.clock.monotonic()
    rows = -(-count // DAYS)
    for first in range(0, count, rows):
        client.command(FILL, parameters={**given, "first": first, "rows": min(rows, count - first)})
    session.say(f"{count:,} {version} stored in {session.clock.monotonic() - began:.1f} s")
    settle(session, client)
    ((found, of_version, days),) = client.query(COUNTS, parameters=given).result_rows
    session.check(f"ids stored, {version}", count, int(found))
    session.check(f"ids stored of version {version[-1]}", count, int(of_version))
    session.check(f"days of ids, {version}, thirty or the begun one too", True, DAYS <= int(days) <= DAYS + 1)
    ((parts, size),) = client.query(PARTS).result_rows
    client.close()
    return History(count, int(parts), int(size))


def settle(session: Session, client: Client) -> None:
    """Wait until the warehouse has nothing left to merge. Raises BenchFailed when it does not end."""
    clock = session.clock
    deadline, calm = clock.monotonic() + MERGED_WITHIN_S, 0
    while calm < CALM_LOOKS:
        merging = int(str(client.command(MERGING)))
        calm = 0 if merging else calm + 1
        if clock.monotonic() > deadline:
            raise BenchFailed(f"the warehouse still merges ids after {MERGED_WITHIN_S} s; its log says why")
        clock.sleep(LOOK_EVERY_S)


def some(dsn: str, *, of: History, limit: int) -> list[bytes]:
    """So many of the stored ids, from all of the thirty days, as text."""
    client = connect(dsn)
    rows = client.query(EVERY, parameters={"step": max(1, of.count // limit), "limit": limit}).result_rows
    client.close()
    return [as_text(int(id_)) for (id_,) in rows]


def as_text(id_: int) -> bytes:
    """An id as it is written in an event."""
    text = f"{id_:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".encode()
