"""What the pipeline may expect of the warehouse: one suite for the table in memory and for ClickHouse."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from pipeline.memory_store import MemoryStore
from warehouse_rows import Stand, id_v4, id_v7, stand, today_at

from clickhouse.client import connect
from etl import rows
from etl.asking import FIELD_IDS_MAX
from etl.batch import Batch, Block
from etl.errors import Fatal, Refused
from etl.load import ClickHouseStore, check_columns
from etl.ports import RowStore


@dataclass
class Table:
    """A store, and how many of this test's rows are in the table and in the aggregate."""

    store: RowStore
    stand: Stand
    counts: Callable[[], tuple[int, int]]

    def insert(self, batch: Batch, *, token: str = "") -> None:
        self.store.insert(batch.block(), token=token or self.stand.range_of(batch).token)


@pytest.fixture(params=["memory", pytest.param("clickhouse", marks=pytest.mark.stack)])
def table(request: pytest.FixtureRequest) -> Table:
    if request.param == "memory":
        store = MemoryStore()
        return Table(store, Stand(store, None), lambda: (len(store.rows), store.counted))  # type: ignore[arg-type]
    here = stand(request.getfixturevalue("warehouse_dsn"))

    def counts() -> tuple[int, int]:
        found = here.counts()
        assert found["ids"] >= found["distinct"]
        return found["raw"], found["counted"]

    return Table(here.store, here, counts)


@pytest.fixture
def here(warehouse_dsn: Callable[[str], str]) -> Stand:
    return stand(warehouse_dsn)


def test_the_rows_bring_what_the_table_wants(table: Table) -> None:
    check_columns(table.store.columns())
    assert set(table.store.columns()) == set(rows.COLUMNS)


@pytest.mark.parametrize("make_id", [id_v4, id_v7])
def test_inserted_rows_are_stored_and_counted(table: Table, make_id: Callable[[], str]) -> None:
    batch = table.stand.batch(100, make_id=make_id)
    table.insert(batch)
    assert table.counts() == (100, 100)
    assert table.store.stored(batch.ids) == set(batch.ids)


def test_the_same_block_under_the_same_token_changes_nothing(table: Table) -> None:
    batch = table.stand.batch(10)
    for _ in range(3):
        table.insert(batch)
    assert table.counts() == (10, 10)


def test_the_same_block_under_another_token_is_stored_again(table: Table) -> None:
    batch = table.stand.batch(10)
    for number in range(2):
        table.store.insert(batch.block(), token=f"{table.stand.topic_id}:0:{number}-9")
    assert table.counts() == (20, 20)


def test_stored_names_those_that_are_there_and_no_others(table: Table) -> None:
    there, absent = table.stand.batch(5), table.stand.batch(5, first=5, make_id=id_v4)
    table.insert(there)
    assert table.store.stored([*there.ids, *absent.ids]) == set(there.ids)
    assert table.store.stored([]) == set()


def test_on_a_redo_the_range_s_own_rows_do_not_count(table: Table) -> None:
    before, own = table.stand.batch(3), table.stand.batch(4, first=3)
    table.insert(before)
    table.insert(own)
    asked = [*before.ids, *own.ids]
    leaving_out = table.stand.range_of(own)
    assert table.store.stored(asked, leaving_out=leaving_out) == set(before.ids)
    assert table.store.stored(asked) == set(asked)


@pytest.mark.parametrize("count", [FIELD_IDS_MAX, FIELD_IDS_MAX + 1, 100_001])
def test_a_question_of_any_size_is_answered(table: Table, count: int) -> None:
    there = table.stand.batch(2)
    table.insert(there)
    absent = [str(uuid.UUID(int=n)).encode() for n in range(1, count)]
    asked = [there.ids[0], *absent, there.ids[1]]
    assert table.store.stored(asked) == set(there.ids)


def test_rows_of_40_days_go_in_one_insert(table: Table) -> None:
    """More days than this a range does not touch. The oldest are gone from the table by age, and counted."""
    times = [today_at() - timedelta(days=number) for number in range(29)]
    batch = table.stand.batch(58, times=times)
    for _ in range(2):
        table.insert(batch)
    assert table.counts() == (58, 58)
    old = table.stand.batch(22, first=58, times=[today_at() - timedelta(days=n) for n in range(29, 40)])
    table.insert(old)
    assert table.counts()[1] == 80
    assert table.store.stored(old.ids) == set(old.ids)


def test_what_is_remembered_is_every_id_or_its_time(table: Table) -> None:
    batch = table.stand.batch(20, make_id=id_v4)
    table.insert(batch)
    blob = b"".join(table.store.remembered())
    assert len(blob) % 16 == 0
    there = {blob[at : at + 16] for at in range(0, len(blob), 16)}
    assert {uuid.UUID(id_.decode()).int.to_bytes(16, "little") for id_ in batch.ids} <= there
    assert table.store.remembered_count() >= 20


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
def test_every_column_lands_as_it_was_sent(here: Stand) -> None:
    properties = b'{ "b" : 1.0, "a":"\\u00e9", "n":{"x":[1,2]}, "a":null}'
    batch = here.batch(1, user_id='q"\\\n\u2028é', value=-0.1, session_id="s-1", skew_ms=-5)
    line = Block([bytes(batch.block()).replace(b'{"element":"play"}', properties)])
    here.store.insert(line, token="T")
    columns = "user_id, properties, value, session_id, skew_ms, is_bot, kafka_partition, kafka_offset"
    found = here.admin.query(f"SELECT {columns} FROM events_raw WHERE kafka_topic_id = '{here.topic_id}'")
    assert found.result_rows == [('q"\\\n\u2028é', properties.decode(), -0.1, "s-1", -5, False, 0, 0)]


def _without_receipt(line: bytes) -> bytes:
    return line[: line.index(b'"received_at":')] + line[line.index(b'"ip":') :]


def _received(line: bytes, day: bytes) -> bytes:
    start = line.index(b'"received_at":"') + len(b'"received_at":"')
    return line[:start] + day + line[start + len(day) :]


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "unknown member": lambda line: line.replace(b'"kafka_offset"', b'"unheard_of"'),
    "text for a number": lambda line: line.replace(b'"value":1.5', b'"value":"x"'),
    "null": lambda line: line.replace(b'"session_id":""', b'"session_id":null'),
    "cut off": lambda line: line[:-1],
    "a column of ours": lambda line: line.replace(b'"value":1.5', b'"value":1.5,"is_bot":true'),
    "a member twice": lambda line: line.replace(b'"value":1.5', b'"value":1.5,"value":2'),
    "no user": lambda line: line.replace(b'"user_id":"user-1",', b""),
    "empty user": lambda line: line.replace(b'"user-1"', b'""'),
    "no type": lambda line: line.replace(b'"event_type":"click",', b""),
    "a type that is no name": lambda line: line.replace(b'"click"', b'"Click!"'),
    "no time of receipt": _without_receipt,
    "no properties": lambda line: line.replace(b',"properties":{"element":"play"}', b""),
    "properties are text": lambda line: line.replace(b'{"element":"play"}', b'"play"'),
    "properties are a list": lambda line: line.replace(b'{"element":"play"}', b"[1]"),
    "a brace too few": lambda line: line.replace(b'{"element":"play"}', b'{"element":{"a":1}'),
    "beyond 2100": lambda line: line.replace(b'"occurred_at":"20', b'"occurred_at":"21'),
    "a value that is no number": lambda line: line.replace(b'"value":1.5', b'"value":nan'),
    "a value without end": lambda line: line.replace(b'"value":1.5', b'"value":1e999'),
    "received long before it happened": lambda line: _received(line, b"1971-01-01"),
    "received long after it happened": lambda line: _received(line, b"2090-01-01"),
    "a time that no number of ours holds": lambda line: line.replace(
        b'"received_at":', b'"received_at":1e30,"received_at":'
    ),
    "half a surrogate pair": lambda line: line.replace(b'"skew_ms"', b'"\\ud800skew_ms"'),
    "no comma in a list": lambda line: line.replace(b'"bot_reasons":[]', b'"bot_reasons":["a"true]'),
    "not UTF-8 where a name should be": lambda line: line.replace(b'"value"', b'"val\xff"'),
    "a zero byte where a name should be": lambda line: line.replace(b'"value"', b'"val\x00"'),
}


@pytest.mark.stack
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_row_that_no_event_makes_is_refused_alike_by_table_and_probe(
    here: Stand, broken: Callable[[bytes], bytes]
) -> None:
    good, bad, after = here.batch(3).lines
    for call in (lambda block: here.store.insert(block, token="T"), here.store.probe):
        with pytest.raises(Refused):
            call(b"\n".join([good, broken(bad), after]))
        with pytest.raises(Refused):
            call(broken(bad))
    here.store.probe(b"\n".join([good, bad, after]))
    assert here.counts() == here.whole(0)


@pytest.mark.stack
def test_a_range_of_more_receipt_days_than_the_server_likes_is_stored(here: Stand) -> None:
    """Nobody bounds the days a range was received on, and a refusal would hold the partition up for ever."""
    lines = here.batch(200, times=[today_at() + timedelta(days=40 * number) for number in range(5)]).lines
    for number, line in enumerate(lines):
        at = today_at() + timedelta(days=40 * (number % 5) + number // 5 % 31)
        lines[number] = _received(line, at.date().isoformat().encode())
    here.store.insert(b"\n".join(lines), token=f"{here.topic_id}:0:0-199")
    assert here.counts() == here.whole(200)


@pytest.mark.stack
def test_a_row_cannot_swallow_its_neighbours(here: Stand) -> None:
    """Two braces too few here and two too many there would make one row of four: properties as they stand."""
    lines = here.batch(4).lines
    lines[0] = lines[0].replace(b'{"element":"play"}}', b'{"element":{"a":[1]')
    lines[3] = lines[3] + b"}}}"
    with pytest.raises(Refused):
        here.store.insert(b"\n".join(lines), token="T")
    assert here.counts() == here.whole(0)


@pytest.mark.stack
def test_a_missing_table_names_the_command_that_makes_it(warehouse_dsn: Any) -> None:
    dsn = warehouse_dsn("admin")
    store = ClickHouseStore(connect(dsn.rpartition("/")[0] + "/default"))
    with pytest.raises(Fatal, match=r"is missing; make the schema: `ugc migrate`"):
        store.columns()


@pytest.mark.stack
def test_the_server_gives_up_before_we_do(warehouse_dsn: Any) -> None:
    client = connect(warehouse_dsn("writer"), read_timeout_s=10)
    store = ClickHouseStore(client, answer_within_s=10)
    assert 0 < store._warehouse._limit["max_execution_time"] < 10
    said = client.query("SELECT getSetting('max_execution_time')", settings=dict(store._warehouse._limit))
    assert float(said.first_row[0]) == 8.0
