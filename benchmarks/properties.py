"""How `properties` may lie in the warehouse: as text alone, or with something beside that is faster to ask.

The same blocks of generated events go into a table of each layout, by turns; then the same questions are
asked of each, by turns, and every answer is held against the others'. The text as sent is in all of them:
what the JSON type keeps is not what was sent (it drops nulls, merges dotted keys, refuses repeated ones).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clickhouse_connect.driver.client import Client

from benchmarks.answering.filling import Truth, blocks, settle
from benchmarks.draining.drain import Table
from benchmarks.engines.warehouse import Warehouse
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Bench, Session
from clickhouse import segments
from clickhouse.client import classified, connect
from clickhouse.segments.columns import SHIPPED, column_of
from clickhouse.views import RAW
from etl.asking import Warehouse as Inserter
from etl.batch import Block
from etl.load import ANSWER_WITHIN_S
from etl.rows import COLUMNS
from ops.generating.plan import HOUR_MS, Plan

DAYS = 30
MS = 1_000


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to lay properties down: columns beside the text, and how each question is put to them."""

    key: str
    name: str
    columns: Sequence[str]
    conditions: Mapping[str, str]


QUESTIONS = {
    "none": "users by day, of all events",
    "text": "users by day, properties.country=DE: a key of every event",
    "number": "users by day, properties.dwell_ms>60000: a key of every third event",
    "rare": "users by day, properties.quantity>2: a key of few events",
}
# Integers alone: what the questions ask for is one in every layout.
_MAP = "Map(LowCardinality(String), String)"
_AS_MAP = f"CAST(JSONExtractKeysAndValuesRaw(properties), '{_MAP}')"
LAYOUTS = (
    Layout(
        "string",
        "text as sent",
        (),
        {
            "none": "true",
            "text": "JSONExtractString(properties, 'country') = 'DE'",
            "number": "JSONExtractInt(properties, 'dwell_ms') > 60000",
            "rare": "JSONExtractInt(properties, 'quantity') > 2",
        },
    ),
    Layout(
        "product",
        "text, and the columns of events_raw, asked as the stats API asks",
        SHIPPED,
        {
            "text": "properties.country=DE",
            "number": "properties.dwell_ms>60000",
            "rare": "properties.quantity>2",
        },
    ),
    Layout(
        "json",
        "text, and the JSON type beside",
        ("said JSON MATERIALIZED properties::JSON",),
        {
            "text": "said.country.:String = 'DE'",
            "number": "said.dwell_ms.:Int64 > 60000",
            "rare": "said.quantity.:Int64 > 2",
        },
    ),
    Layout(
        "map",
        "text, and a Map of raw values beside",
        (f"said {_MAP} MATERIALIZED {_AS_MAP} CODEC(ZSTD(1))",),
        {
            "text": "said['country'] = '\"DE\"'",
            "number": "toInt64OrZero(said['dwell_ms']) > 60000",
            "rare": "toInt64OrZero(said['quantity']) > 2",
        },
    ),
    Layout(
        "columns",
        "text, and columns of their own for hot keys",
        (
            "country LowCardinality(String) MATERIALIZED JSONExtractString(properties, 'country')",
            "device LowCardinality(String) MATERIALIZED JSONExtractString(properties, 'device')",
            "dwell_ms Int64 MATERIALIZED JSONExtractInt(properties, 'dwell_ms') CODEC(T64, ZSTD(1))",
            "quantity Int64 MATERIALIZED JSONExtractInt(properties, 'quantity') CODEC(T64, ZSTD(1))",
        ),
        {"text": "country = 'DE'", "number": "dwell_ms > 60000", "rare": "quantity > 2"},
    ),
)
# Its columns are those of events_raw, which the others are made without; its conditions are segments.
PRODUCT = "product"

# A file a column, as a day of some hundred thousand events is stored: only then is it known what each weighs.
WIDE = "min_bytes_for_wide_part = 0"
ASK = """
SELECT toDate(occurred_at) AS date, uniqExact(user_id) FROM {table} WHERE {condition} AND NOT is_bot
GROUP BY date ORDER BY date
"""
DISK = """
SELECT
    (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = {table:String}
        AND database = currentDatabase()),
    (SELECT sum(column_bytes_on_disk) FROM system.parts_columns WHERE active AND table = {table:String}
        AND database = currentDatabase() AND column = 'properties')
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of it."""

    events: int
    users: int
    times: int


SIZES = {
    "quick": Sizes(100_000, 5_000, 5),
    "standard": Sizes(1_000_000, 30_000, 7),
    "full": Sizes(10_000_000, 100_000, 15),
}


def run(session: Session) -> None:
    """As large as the scale says."""
    measure(session, SIZES[session.scale])


def measure(session: Session, sizes: Sizes) -> None:
    """Insert, weigh, ask; every layout by turns."""
    session.setting("events", f"{sizes.events:,} of {sizes.users:,} users")
    server = Warehouse(session.scratch / "warehouse", clock=session.clock)
    session.setting("memory of the warehouse, MiB", server.memory_mb)
    try:
        server.start()
        Table(server.dsn("admin")).fresh()
        with connect(server.dsn("admin"), read_timeout_s=int(ANSWER_WITHIN_S)) as client:
            _create(client)
            rows = _insert(session, client, server.pid, sizes)
            settle(session, server.dsn("admin"))
            _weigh(session, client, rows)
            _ask(session, client, sizes.times)
    finally:
        server.stop()


def _create(client: Client) -> None:
    """The columns, codecs, key and partitions of events_raw, without its views."""
    for layout in LAYOUTS:
        _command(client, f"CREATE TABLE {_table(layout)} AS {RAW}")
        _command(client, f"ALTER TABLE {_table(layout)} MODIFY SETTING {WIDE}")
        if layout.key == PRODUCT:
            continue
        for key in SHIPPED:
            _command(client, f"ALTER TABLE {_table(layout)} DROP COLUMN {column_of(key)}")
        for column in layout.columns:
            _command(client, f"ALTER TABLE {_table(layout)} ADD COLUMN {column}")


def _insert(session: Session, client: Client, pid: int, sizes: Sizes) -> int:
    """Every block into every table; CPU of the warehouse by row."""
    now_ms = int(session.clock.now().timestamp() * 1000)
    ends_at_ms = now_ms // HOUR_MS * HOUR_MS
    plan = Plan(sizes.events, sizes.users, DAYS, session.seed, ends_at_ms, copies_share=0.0)
    truth = Truth.of(plan)
    inserter = Inserter(client, answer_within_s=ANSWER_WITHIN_S)
    costs: dict[str, list[Cost]] = {layout.key: [] for layout in LAYOUTS}
    for block in blocks(plan, truth):
        for layout in LAYOUTS:
            with session.watch({"warehouse": pid}) as watch:
                inserter.insert(_table(layout), Block([block]), columns=COLUMNS)
            costs[layout.key].append(watch.cost(units=block.count(b"\n") + 1))
    for layout in LAYOUTS:
        spent = [each.cpu_s["warehouse"] / each.units * 1e6 for each in costs[layout.key]]
        name = f"{layout.name}: CPU of the warehouse by row inserted"
        session.figure(
            f"properties.insert.{layout.key}", name, "µs", spent, note="block by block, with merges"
        )
        stored = int(str(_command(client, f"SELECT count() FROM {_table(layout)}")))  # noqa: S608
        session.check(f"{layout.name}: rows stored", truth.events, stored)
    return truth.events


def _weigh(session: Session, client: Client, rows: int) -> None:
    text_bytes = 0.0
    for layout in LAYOUTS:
        with classified():
            ((size, text),) = client.query(DISK, parameters={"table": _table(layout)}).result_rows
        text_bytes = text_bytes or float(text)
        name = f"{layout.name}: a row on disk"
        session.figure(f"properties.disk.{layout.key}", name, "bytes", [float(size) / rows])
    session.figure("properties.text", "of which the text of properties", "bytes", [text_bytes / rows])


def _ask(session: Session, client: Client, times: int) -> None:
    """By turns, so that what disturbs the machine meets every layout alike."""
    for question, said in QUESTIONS.items():
        asked = [layout for layout in LAYOUTS if question in layout.conditions]
        took: dict[str, list[float]] = {layout.key: [] for layout in asked}
        answers: dict[str, Any] = {}
        for turn in range(times + 1):
            for layout in asked:
                began = session.clock.monotonic()
                answers[layout.key] = _answer(client, layout, question)
                if turn:
                    took[layout.key].append((session.clock.monotonic() - began) * MS)
        for layout in asked:
            session.check(
                f"{said}, {layout.name}: as by the text", True, answers[layout.key] == answers[LAYOUTS[0].key]
            )
            session.figure(
                f"properties.ask_{question}.{layout.key}", f"{said}: {layout.name}", "ms", took[layout.key]
            )


def _answer(client: Client, layout: Layout, question: str) -> list[Any]:
    condition = layout.conditions[question]
    parameters: dict[str, Any] = {}
    if layout.key == PRODUCT:
        condition, parameters = segments.condition(
            [segments.parse(condition)], columns=set(map(column_of, SHIPPED))
        )
    sql = ASK.replace("{table}", _table(layout)).replace("{condition}", f"({condition})")
    with classified():
        return list(client.query(sql, parameters=parameters).result_rows)


def _table(layout: Layout) -> str:
    return f"properties_as_{layout.key}"


def _command(client: Client, sql: str) -> Any:
    with classified():
        return client.command(sql)


BENCH = Bench(
    name="properties",
    asks="How should properties lie in the warehouse: text, JSON type, Map, or columns for hot keys?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 3 * 2**30, "full": 16 * 2**30},
)
