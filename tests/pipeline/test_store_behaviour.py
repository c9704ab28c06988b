"""What the pipeline may expect of the warehouse: one suite for the table in memory and for ClickHouse."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from clickhouse.client import connect
from etl import rows
from etl.errors import Fatal
from etl.load import IDS_A_QUESTION_MAX, ClickHouseStore, check_columns
from etl.ports import RowStore
from etl.ranges import LogRecord, Offset


@dataclass
class Table:
    """A store, and how many of this test's rows are in the table and in the aggregate."""

    store: RowStore
    topic_id: str
    counts: Callable[[], tuple[int, int]]

    def block(self, records: Any) -> bytes:
        """The rows of the codec's records, at offsets 0, 1, 2, …"""
        to_row = rows.row_maker(self.topic_id, 0)
        return b"\n".join(to_row(in_log(each, offset)).line for offset, each in enumerate(records))


def in_log(record: Any, offset: int) -> LogRecord:
    return LogRecord(Offset(offset), record.timestamp_ms, record.key, record.value, tuple(record.headers))


@pytest.fixture(params=["memory", pytest.param("clickhouse", marks=pytest.mark.stack)])
def table(request: pytest.FixtureRequest, parts: Any) -> Table:
    if request.param == "memory":
        store = parts.MemoryStore()
        return Table(store, "T", lambda: (len(store.rows), store.counted))
    return on_clickhouse(request.getfixturevalue("warehouse_dsn"))


def on_clickhouse(warehouse_dsn: Callable[[str], str]) -> Table:
    topic_id = uuid.uuid4().hex
    admin = connect(warehouse_dsn("admin"))

    def counts() -> tuple[int, int]:
        where = f"FROM {{table}} WHERE kafka_topic_id = '{topic_id}'"
        raw = admin.query("SELECT count() " + where.format(table="events_raw")).first_row[0]
        counted = admin.query(
            "SELECT countMerge(actions) " + where.format(table="events_by_quarter_hour")
        ).first_row[0]
        return raw, counted

    return Table(ClickHouseStore(connect(warehouse_dsn("writer"))), topic_id, counts)


@pytest.fixture
def fresh(record: Any) -> Callable[..., list[Any]]:
    """Records with ids that no other test has."""

    def make(count: int, **changes: Any) -> list[Any]:
        return [record(uuid.uuid4().int, **changes) for _ in range(count)]

    return make


def ids(records: list[Any]) -> list[str]:
    return [record.key.decode() for record in records]


def test_the_rows_bring_what_the_table_wants(table: Table) -> None:
    check_columns(table.store.columns())
    assert set(table.store.columns()) == set(rows.COLUMNS)


def test_inserted_rows_are_stored_and_counted(table: Table, fresh: Any) -> None:
    records = fresh(100)
    table.store.insert(table.block(records), token=f"{table.topic_id}:0:0-99")
    assert table.counts() == (100, 100)
    assert table.store.stored(ids(records)) == set(ids(records))


def test_the_same_block_under_the_same_token_changes_nothing(table: Table, fresh: Any) -> None:
    block = table.block(fresh(10))
    for _ in range(3):
        table.store.insert(block, token=f"{table.topic_id}:0:0-9")
    assert table.counts() == (10, 10)


def test_the_same_block_under_another_token_is_stored_again(table: Table, fresh: Any) -> None:
    block = table.block(fresh(10))
    for first in range(2):
        table.store.insert(block, token=f"{table.topic_id}:0:{first}-9")
    assert table.counts() == (20, 20)


def test_stored_names_those_that_are_there_and_no_others(table: Table, fresh: Any) -> None:
    there, absent = fresh(5), fresh(5)
    table.store.insert(table.block(there), token=f"{table.topic_id}:0:0-4")
    assert table.store.stored(ids(there + absent)) == set(ids(there))
    assert table.store.stored([]) == set()


def test_a_question_of_any_size_is_answered(table: Table, fresh: Any) -> None:
    there = fresh(2)
    table.store.insert(table.block(there), token=f"{table.topic_id}:0:0-1")
    absent = [str(UUID(int=n)) for n in range(2 * IDS_A_QUESTION_MAX + 10)]
    asked = [ids(there)[0], *absent, ids(there)[1]]
    assert table.store.stored(asked) >= set(ids(there))


def test_rows_of_31_days_go_in_one_insert(table: Table, record: Any) -> None:
    day_ms, newest_ms = 86_400_000, 1_795_262_400_000
    records = [record(uuid.uuid4().int, occurred_at_ms=newest_ms - day_ms * (n % 31)) for n in range(31 * 3)]
    block = table.block(records)
    for _ in range(2):
        table.store.insert(block, token=f"{table.topic_id}:0:0-92")
    assert table.counts() == (93, 93)


def test_a_ping_is_answered(table: Table) -> None:
    table.store.ping()


@pytest.mark.parametrize(
    ("there", "says"),
    [
        (rows.COLUMNS[1:], r"no column kafka_topic_id; .*`ugc migrate`"),
        ((*rows.COLUMNS, "city"), r"wants city, which this version does not write"),
    ],
)
def test_a_schema_that_is_not_ours_is_fatal(there: tuple[str, ...], says: str) -> None:
    with pytest.raises(Fatal, match=says):
        check_columns(there)


@pytest.mark.stack
def test_every_column_lands_as_it_was_sent(warehouse_dsn: Any, record: Any) -> None:
    table = on_clickhouse(warehouse_dsn)
    properties = b'{ "b" : 1.0, "a":"\\u00e9", "n":{"x":[1,2]}, "a":null}'
    sent = record(
        uuid.uuid4().int,
        user_id='q"\\\n\u2028é',
        properties=properties,
        value=-0.1,
        session_id="s-1",
        skew_ms=-5,
        occurred_at_ms=1_795_229_146_117,
    )
    table.store.insert(table.block([sent]), token=f"{table.topic_id}:0:0-0")
    columns = (
        "user_id, properties, value, session_id, skew_ms, toUnixTimestamp64Milli(occurred_at), is_bot, "
        "kafka_partition, kafka_offset"
    )
    found = connect(warehouse_dsn("admin")).query(
        f"SELECT {columns} FROM events_raw WHERE kafka_topic_id = {{id:String}}",
        parameters={"id": table.topic_id},
    )
    assert found.result_rows == [
        ('q"\\\n\u2028é', properties.decode(), -0.1, "s-1", -5, 1_795_229_146_117, False, 0, 0)
    ]


@pytest.mark.stack
@pytest.mark.parametrize(
    "broken",
    [
        lambda line: line.replace(b'"kafka_offset"', b'"unheard_of"'),
        lambda line: line.replace(b'"value":', b'"value":"x","x":'),
        lambda line: line.replace(b'"session_id":""', b'"session_id":null'),
        lambda line: line[:-1],
    ],
    ids=["unknown member", "text for a number", "null", "cut off"],
)
def test_a_block_that_the_table_rejects_is_fatal_and_leaves_nothing(
    warehouse_dsn: Any, fresh: Any, broken: Callable[[bytes], bytes]
) -> None:
    table = on_clickhouse(warehouse_dsn)
    good, bad = table.block(fresh(2)).split(b"\n")
    with pytest.raises(Fatal):
        table.store.insert(good + b"\n" + broken(bad), token=f"{table.topic_id}:0:0-1")
    assert table.counts() == (0, 0)


@pytest.mark.stack
def test_a_missing_table_names_the_command_that_makes_it(warehouse_dsn: Any) -> None:
    dsn = warehouse_dsn("admin")
    store = ClickHouseStore(connect(dsn.rpartition("/")[0] + "/default"))
    with pytest.raises(Fatal, match=r"events_raw is missing; make the schema: `ugc migrate`"):
        store.columns()
