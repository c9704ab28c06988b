"""The clients our product uses, end to end."""

import datetime as dt
import gzip
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lz4.frame
import pytest
from backports import zstd
from clickhouse_connect.driver.exceptions import DatabaseError, StreamFailureError
from clickhouse_migrations.clickhouse_cluster import ClickhouseCluster

PACK = {"lz4": lz4.frame.compress, "zstd": zstd.compress, "gzip": gzip.compress}


@pytest.fixture(
    params=[{}, {"compress": False}, {"form_encode_query_params": True, "autogenerate_session_id": False}]
)
def client(warehouse, request):
    with warehouse.client("admin", **request.param) as made:
        yield made


def test_connect_knows_the_server(client) -> None:
    assert client.server_version.startswith("26.9")
    assert str(client.server_tz) in {"UTC", "Etc/UTC"}
    assert client.ping()


def test_types_come_back_as_they_were_given(client) -> None:
    given = {
        "u": uuid.UUID(int=7),
        "d": dt.datetime(2026, 11, 21, 1, 2, 3, 123000, tzinfo=dt.UTC),
        "a": ["x", "it's", "ü\t"],
        "n": None,
    }
    sql = "SELECT {u:UUID} u, {d:DateTime64(3, 'UTC')} d, {a:Array(String)} a, {n:Nullable(Int64)} n"
    (row,) = client.query(sql, parameters=given, tz_mode="aware").named_results()
    assert row == given


def test_many_parameters(client, warehouse) -> None:
    ids = [str(uuid.UUID(int=n)) for n in range(3_000)]
    with warehouse.client("writer", form_encode_query_params=True, autogenerate_session_id=False) as writer:
        found = writer.query(
            "SELECT count() FROM (SELECT arrayJoin({ids:Array(UUID)}))", parameters={"ids": ids}
        )
    assert found.result_rows == [(3_000,)]


def test_insert_and_select(client, table) -> None:
    summary = client.insert(table, [[n, f"s{n}"] for n in range(50_000)], column_names=["a", "s"])
    assert summary.written_rows == 50_000
    assert client.query(f"SELECT count(), max(s) FROM {table}").result_rows == [(50_000, "s9999")]
    assert client.query(f"SELECT * FROM {table} LIMIT 0").column_names == ("a", "s")
    assert client.query(f"SELECT * FROM {table} WHERE a > 100000").result_rows == []


@pytest.mark.parametrize("compression", [None, "lz4", "zstd", "gzip"])
def test_raw_insert(client, table, compression) -> None:
    block = b'{"a":1,"s":"x"}\n{"a":2,"s":"y"}'
    client.raw_insert(
        table,
        column_names=["a", "s"],
        insert_block=PACK[compression](block) if compression else block,
        fmt="JSONEachRow",
        compression=compression,
        settings={"insert_deduplication_token": "t"},
    )
    assert client.command(f"SELECT sum(a) FROM {table}") == 3


def test_commands(client, table) -> None:
    assert client.command("SELECT 1") == 1
    assert client.command(f"EXISTS TABLE {table}") == 1
    assert client.command(f"TRUNCATE TABLE {table}").summary is not None
    assert client.raw_query("SELECT 1 AS a", fmt="JSONEachRow") == b'{"a":1}\n'


def test_streams(client) -> None:
    with client.query_row_block_stream("SELECT number FROM numbers(500000)") as stream:
        assert sum(len(block) for block in stream) == 500_000


def test_errors_carry_their_code(client) -> None:
    with pytest.raises(DatabaseError) as error:
        client.query("SELECT nope")
    assert error.value.code == 47


def test_a_stream_that_breaks_raises(client) -> None:
    sql = "SELECT throwIf(number = 2000000) FROM numbers(3000000)"
    with (
        pytest.raises((StreamFailureError, DatabaseError), match=r"395|throwIf"),
        client.query_row_block_stream(sql, settings={"max_block_size": 65000, "max_threads": 1}) as stream,
    ):
        for _ in stream:
            pass


@pytest.mark.parametrize("role", ["reader", "analyst"])
def test_read_only_users_connect_and_read(warehouse, table, role) -> None:
    with warehouse.client(role) as client:
        assert client.query(
            f"SELECT count() FROM {table}", settings={"max_execution_time": 5}
        ).result_rows == [(0,)]
        with pytest.raises(DatabaseError) as error:
            client.command(f"TRUNCATE TABLE {table}")
        assert error.value.code in {164, 497}


def test_one_client_in_many_threads(warehouse) -> None:
    with warehouse.client("reader", autogenerate_session_id=False) as client, ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda n: client.query(f"SELECT {n}").result_rows[0][0], range(100))
        assert list(answers) == list(range(100))


def test_arrow(client) -> None:
    assert client.query_arrow("SELECT number FROM numbers(200000)").num_rows == 200_000


def test_migrations_end_to_end(warehouse, tmp_path: Path) -> None:
    database = f"m_{uuid.uuid4().hex[:8]}"
    (tmp_path / "001_one.sql").write_text("CREATE TABLE one (a UInt8) ENGINE = MergeTree ORDER BY a;")
    (tmp_path / "002_two.sql").write_text(
        "ALTER TABLE one ADD COLUMN b String; INSERT INTO one VALUES (1, 'x;y');"
    )
    cluster = ClickhouseCluster(
        db_host=warehouse.host,
        db_port=str(warehouse.port),
        db_user="admin",
        db_password=warehouse.passwords["admin"],
        driver="clickhouse-connect",
    )
    cluster.create_db(database)
    for _ in range(2):
        cluster.migrate(database, tmp_path)
        assert [row.state for row in cluster.status(database, tmp_path)] == ["applied", "applied"]
    assert warehouse.rows("SELECT * FROM one", database=database) == [["1", "x;y"]]
    warehouse.ask(f"DROP DATABASE {database}")
