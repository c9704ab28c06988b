"""Data on its way in."""

import gzip
import io
import json
import threading
import time
import zlib

import lz4.frame
import pyarrow as pa
import pytest
from backports import zstd
from services import until

PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstd.compress, "lz4": lz4.frame.compress}
# A short insert goes another way than a long one; line breaks before its rows make it long.
BOTH_WAYS = pytest.mark.parametrize("breaks", [b"", b"\n" * 100_000], ids=["short", "long"])
TWO_ROWS = b'{"a":1,"s":"x"}\n{"a":2,"s":"y\xc3\xbc"}\n'


def count(warehouse, table) -> int:
    return int(warehouse.rows(f"SELECT count() FROM {table}")[0][0])


def insert(warehouse, table, data, *, fmt="JSONEachRow", **how):
    query = {"query": f"INSERT INTO {table} FORMAT {fmt}", **how.pop("query", {})}
    return warehouse.ask(data, query=query, role=how.pop("role", "writer"), **how)


@pytest.mark.parametrize("encoding", ["", *PACK])
def test_json_lines_in_every_encoding(warehouse, table, encoding) -> None:
    body = PACK[encoding](TWO_ROWS) if encoding else TWO_ROWS
    answer = insert(warehouse, table, body, headers={"Content-Encoding": encoding} if encoding else {})
    assert (answer.status, answer.text) == (200, "")
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "2"
    assert warehouse.rows(f"SELECT * FROM {table} ORDER BY a") == [["1", "x"], ["2", "yü"]]


@pytest.mark.parametrize("encoding", ["", *PACK])
def test_large_chunked_bodies(warehouse, table, encoding) -> None:
    data = b"".join(b'{"a":%d,"s":"row"}\n' % n for n in range(100_000))
    body = PACK[encoding](data) if encoding else data
    pieces = (body[at : at + 7001] for at in range(0, len(body), 7001))
    answer = insert(warehouse, table, pieces, headers={"Content-Encoding": encoding} if encoding else {})
    assert answer.status == 200, answer.text
    assert count(warehouse, table) == 100_000


def test_statement_and_data_in_one_body(warehouse, table) -> None:
    answer = warehouse.ask(f"INSERT INTO {table} (a) FORMAT CSV\n1\n2\n".encode(), role="writer")
    assert answer.status == 200, answer.text
    assert count(warehouse, table) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO {t} VALUES (1, 'x'), (2, 'yz')",
        "insert into {t} (a, s) values (1, 'FORMAT'), (2, 'a;b')",
        "/* INSERT INTO x VALUES */ INSERT INTO {t} -- to it\n VALUES (1, 'it''s'), (2, '\\'')",
        "INSERT INTO {t} SELECT number + 1, 'x' FROM numbers(2)",
        "INSERT INTO {t} (a) WITH 2 AS n SELECT number + 1 FROM numbers(n)",
        "INSERT INTO {t} SETTINGS async_insert = 0 FORMAT TSV\n1\tx\n2\ty\n",
        'INSERT INTO {t} FORMAT JSONEachRow {{"a": 1}} {{"a": 2, "s": "VALUES"}}',
    ],
)
def test_ways_to_say_it(warehouse, table, sql) -> None:
    answer = warehouse.ask(sql.format(t=table), role="writer")
    assert answer.status == 200, answer.text
    assert count(warehouse, table) == 2
    assert warehouse.rows(f"SELECT sum(a) FROM {table}") == [["3"]]


def test_only_who_may_do_everything_puts_expressions_among_values(warehouse, table) -> None:
    sql = f"INSERT INTO {table} VALUES (1, 'x'), (2, concat('y', 'z'))"
    assert warehouse.ask(sql, role="writer").code == 344
    assert warehouse.ask(sql, role="admin").status == 200
    assert count(warehouse, table) == 2


def test_arrow_stream(warehouse, table) -> None:
    sink = io.BytesIO()
    batch = pa.record_batch({"a": pa.array([1, 2], pa.uint64()), "s": ["x", "y"]})
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
        stream.write_batch(batch)
    answer = insert(warehouse, table, sink.getvalue(), fmt="ArrowStream")
    assert answer.status == 200, answer.text
    assert count(warehouse, table) == 4


def test_parquet(warehouse, table) -> None:
    parquet = warehouse.ask("SELECT number AS a, 'p' AS s FROM numbers(5) FORMAT Parquet").body
    assert insert(warehouse, table, parquet, fmt="Parquet").status == 200
    assert count(warehouse, table) == 5


def test_native(warehouse, table) -> None:
    native = warehouse.ask("SELECT number AS a, 'n' AS s FROM numbers(200000) FORMAT Native").body
    assert insert(warehouse, table, native, fmt="Native").status == 200
    assert count(warehouse, table) == 200_000


@pytest.mark.parametrize("columns", [1, 9, 10, 13, 32, 59])
def test_native_data_may_begin_with_any_byte(warehouse, table, columns) -> None:
    """The first byte is the number of columns: a tab, a line break, a space, a semicolon."""
    wide = f"{table}_wide"
    names = [f"c{number}" for number in range(columns)]
    declared = ", ".join(f"{name} UInt8" for name in names)
    warehouse.rows(f"CREATE TABLE {wide} ({declared}) ENGINE = MergeTree ORDER BY c0", role="admin")
    try:
        told = ", ".join(f"{number + 1} AS {name}" for number, name in enumerate(names))
        native = warehouse.ask(f"SELECT {told} FORMAT Native").body
        assert native[0] == columns
        answer = insert(warehouse, wide, native, fmt="Native")
        assert answer.status == 200, answer.text
        assert json.loads(answer.headers["X-ClickHouse-Summary"])["written_rows"] == "1"
        found = warehouse.rows(f"SELECT * FROM {wide}")
        assert found == [[str(number + 1) for number in range(columns)]]
    finally:
        warehouse.rows(f"DROP TABLE {wide}", role="admin")


@pytest.mark.parametrize(
    "between", [b"\n\n", b"\n\n\n\n", b"\n", b"\r\n\r\n", b" \n \n ", b"\n\t\n", b" "], ids=repr
)
def test_rows_around_a_blank_line_are_all_stored(warehouse, table, between) -> None:
    rows = [b'{"a":%d,"s":"x"}' % number for number in range(3)]
    answer = insert(warehouse, table, between.join([b"", *rows, b""]))
    assert answer.status == 200, answer.text
    assert count(warehouse, table) == 3


@pytest.mark.parametrize(
    "between", [b"\n\n", b";\n\n", b"\n\n;", b"\n\n\n", b"\n;\n", b";", b"\n", b"\\.\n"], ids=repr
)
def test_data_is_never_a_statement(warehouse, table, between) -> None:
    """To the engine a blank line ends the data of an INSERT, and what stands behind it is run."""
    stolen = f"{table}_stolen"
    statement = f"CREATE TABLE {stolen} (a UInt8) ENGINE = Memory".encode()
    answer = insert(warehouse, table, b'{"a":1,"s":"x"}' + between + statement, role="admin")
    assert answer.status >= 400
    assert warehouse.rows(f"EXISTS TABLE {stolen}", role="admin") == [["0"]]
    assert count(warehouse, table) == 0


def test_parameters_in_an_insert(warehouse, table) -> None:
    query = {"query": "INSERT INTO {t:Identifier} FORMAT CSV", "param_t": table}
    assert warehouse.ask(b"1,x\n", query=query, role="writer").status == 200
    assert count(warehouse, table) == 1


def test_a_token_stops_the_second_copy_in_the_view_too(warehouse, table) -> None:
    warehouse.ask(
        f"CREATE TABLE {table}_sums (s String, n SimpleAggregateFunction(sum, UInt64)) "
        "ENGINE = AggregatingMergeTree ORDER BY s SETTINGS non_replicated_deduplication_window = 100"
    )
    warehouse.ask(
        f"CREATE MATERIALIZED VIEW {table}_mv TO {table}_sums AS "
        f"SELECT s, count() AS n FROM {table} GROUP BY s"
    )
    rows = b"".join(b'{"a":%d,"s":"%d"}\n' % (n, n % 3) for n in range(50_000))
    settings = {
        "async_insert": 0,
        "insert_deduplicate": 1,
        "deduplicate_blocks_in_dependent_materialized_views": 1,
        "max_insert_block_size": 10_000_000,
        "min_insert_block_size_rows": 10_000_000,
        "min_insert_block_size_bytes": 0,
        "input_format_parallel_parsing": 0,
    }
    for token, cut in (("one", 1000), ("one", 77_777), ("two", 50_000)):
        pieces = (rows[at : at + cut] for at in range(0, len(rows), cut))
        answer = insert(warehouse, table, pieces, query={**settings, "insert_deduplication_token": token})
        assert answer.status == 200, answer.text
    assert count(warehouse, table) == 100_000
    assert warehouse.rows(f"SELECT sum(n) FROM {table}_sums") == [["100000"]]
    warehouse.ask(f"DROP TABLE {table}_mv")
    warehouse.ask(f"DROP TABLE {table}_sums")


def test_two_inserts_run_side_by_side(warehouse, table) -> None:
    """Each waits, half sent, until the other has begun too: one at a time would never finish."""
    begun = threading.Barrier(2, timeout=10)

    def body(first: int):
        yield b'{"a":%d,"s":"x"}\n' % first
        yield b" " * 300_000
        begun.wait()
        until_running(warehouse, f"together-{first}")
        begun.wait()
        yield b'{"a":%d,"s":"y"}\n' % (first + 1)

    answers = []
    threads = [
        threading.Thread(
            target=lambda n=n: answers.append(
                insert(warehouse, table, body(n), query={"query_id": f"together-{n}"})
            )
        )
        for n in (10, 20)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join(20)
    assert [each.status for each in answers] == [200, 200]
    assert count(warehouse, table) == 4


def until_running(warehouse, query_id) -> None:
    sql = f"KILL QUERY WHERE query_id = '{query_id}' TEST"
    until(lambda: warehouse.rows(sql), within_s=10, what="the insert runs")


@BOTH_WAYS
@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b'{"a":1,"s":"x"}\n{"a":"not a number"}\n', {6, 27, 72, 117}),
        (b'{"a":1,"s":', {26, 27, 117, 33, 25, 32}),
        (b"garbage", {27, 117}),
    ],
)
def test_bad_data_is_refused_whole(warehouse, table, breaks, body, codes) -> None:
    answer = insert(
        warehouse, table, breaks + body, query={"async_insert": 0, "input_format_parallel_parsing": 0}
    )
    assert answer.status in {400, 500}
    assert answer.code in codes, answer.text
    assert count(warehouse, table) == 0


@BOTH_WAYS
def test_unknown_fields_are_refused_when_asked_to(warehouse, table, breaks) -> None:
    answer = insert(
        warehouse, table, breaks + b'{"a":1,"nope":2}', query={"input_format_skip_unknown_fields": 0}
    )
    assert answer.code == 117
    assert count(warehouse, table) == 0


@pytest.mark.parametrize("encoding", PACK)
def test_a_compressed_body_cut_short_is_no_insert(warehouse, table, encoding) -> None:
    data = b"".join(b'{"a":%d,"s":"row"}\n' % n for n in range(5_000))
    body = PACK[encoding](data)
    answer = insert(warehouse, table, body[: len(body) // 2], headers={"Content-Encoding": encoding})
    assert answer.status >= 400, answer.text
    assert answer.code
    assert count(warehouse, table) == 0


def test_an_unknown_encoding_is_refused(warehouse, table) -> None:
    assert insert(warehouse, table, TWO_ROWS, headers={"Content-Encoding": "rot13"}).status >= 400
    assert count(warehouse, table) == 0


@BOTH_WAYS
def test_an_empty_insert_is_no_error(warehouse, table, breaks) -> None:
    assert insert(warehouse, table, breaks + b"\n").status == 200
    assert count(warehouse, table) == 0


def test_a_time_limit_ends_an_insert_with_an_error(warehouse, table) -> None:
    def slow():
        for _ in range(30):
            yield b'{"a":1,"s":"x"}\n' * 20_000
            time.sleep(0.1)

    answer = insert(
        warehouse, table, slow(), query={"max_execution_time": 1, "min_insert_block_size_rows": 10_000_000}
    )
    assert (answer.status, answer.code) == (408, 159), answer.text
    assert count(warehouse, table) == 0


@BOTH_WAYS
def test_what_fails_at_the_very_end_of_an_insert_is_an_error(warehouse, table, breaks) -> None:
    """A constraint is looked at when all data is there; nothing may be called stored that is not."""
    warehouse.rows(f"ALTER TABLE {table} ADD CONSTRAINT small CHECK a < 10", role="admin")
    answer = insert(warehouse, table, breaks + b'{"a":1,"s":"x"}\n{"a":10,"s":"y"}\n')
    assert "VIOLATED_CONSTRAINT" in answer.text
    assert "Code: 469." in answer.text
    assert count(warehouse, table) == 0
    assert insert(warehouse, table, breaks + b'{"a":2,"s":"x"}\n').status == 200
    assert count(warehouse, table) == 1


@BOTH_WAYS
def test_too_many_partitions_and_too_many_parts_are_errors(warehouse, table, breaks) -> None:
    name = f"{table}_parted"
    warehouse.rows(
        f"CREATE TABLE {name} (a UInt32) ENGINE = MergeTree ORDER BY a PARTITION BY a "
        "SETTINGS parts_to_delay_insert = 1, parts_to_throw_insert = 1",
        role="admin",
    )
    try:
        many = breaks + b"".join(b'{"a":%d}\n' % n for n in range(101))
        assert "Code: 252. DB::Exception: Too many partitions" in insert(warehouse, name, many).text
        assert insert(warehouse, name, breaks + b'{"a":1}\n').status == 200
        assert (
            "Code: 252. DB::Exception: Too many parts" in insert(warehouse, name, breaks + b'{"a":1}\n').text
        )
        assert count(warehouse, name) == 1
    finally:
        warehouse.rows(f"DROP TABLE {name}", role="admin")


@BOTH_WAYS
def test_inserts_beside_failing_ones_are_stored_or_not_called_stored(warehouse, table, breaks) -> None:
    warehouse.rows(f"ALTER TABLE {table} ADD CONSTRAINT small CHECK a < 1000000", role="admin")
    said: dict[int, int] = {}

    def load(number: int) -> None:
        bad = b'{"a":1000000,"s":"x"}\n' if number % 2 else b""
        said[number] = insert(warehouse, table, breaks + b'{"a":%d,"s":"x"}\n' % number + bad).status

    threads = [threading.Thread(target=load, args=(number,)) for number in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    there = {int(row[0]) for row in warehouse.rows(f"SELECT a FROM {table}")}
    assert there == {number for number in range(24) if number % 2 == 0}
    assert {number for number, status in said.items() if status == 200} <= there


@BOTH_WAYS
@pytest.mark.parametrize("text", [b"\xff", b"\x00"], ids=["not UTF-8", "a zero byte"])
def test_an_error_that_quotes_broken_data_keeps_its_code(warehouse, table, breaks, text) -> None:
    answer = insert(
        warehouse,
        table,
        breaks + b'{"a":1,"s' + text + b'":"x"}\n',
        query={"input_format_skip_unknown_fields": "0"},
    )
    assert answer.text.startswith("Code: 117."), answer.text
