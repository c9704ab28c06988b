"""What can be held of the Vertica target without a server: its streams, its statements, its address."""

import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import vertica_python
from backports import zstd

from benchmarks import dataset
from benchmarks.dataset import Dataset
from benchmarks.engines.engine import Unavailable, statement
from benchmarks.engines.vertica import Vertica, copy_statement, options
from benchmarks.engines.vertica_stream import PIECE_BYTES, CompressedFiles, Compression

UNPACK: dict[Compression, Callable[[bytes], bytes]] = {
    "ZSTD": zstd.decompress,
    "GZIP": lambda data: zlib.decompress(data, 31),
}
DSN = "vertica://dbadmin:s%40crt@db.example:5444/events?ssl=on"


class Recorder:
    """A connection, and its cursor, that keep what they are given; they answer nothing."""

    description = None

    def __init__(self) -> None:
        self.statements: list[str] = []
        self.streams: list[bytes] = []
        self.commits = 0

    def cursor(self) -> "Recorder":
        return self

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *_: object) -> None:
        return

    def execute(self, sql: str) -> None:
        self.statements.append(sql)

    def copy(self, sql: str, stream: Any) -> None:
        self.statements.append(sql)
        self.streams.append(b"".join(iter(lambda: stream.read(2**17), b"")))

    def commit(self) -> None:
        self.commits += 1


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """Three files: smaller than a piece, empty, and larger than one."""
    contents = [b"2026-01-01 00:00:00.259,1,click,0.25\n", b"", b"x,y\n" * PIECE_BYTES]
    made = [tmp_path / f"{place}.csv" for place in range(3)]
    for file, content in zip(made, contents, strict=True):
        file.write_bytes(content)
    return made


@pytest.mark.parametrize("compression", UNPACK)
@pytest.mark.parametrize("size", [1_000, 2**20, -1])
def test_a_stream_unpacks_to_the_files(files: list[Path], compression: Compression, size: int) -> None:
    stream = CompressedFiles(files, compression)
    pieces = []
    while piece := stream.read(size):
        pieces.append(piece)
    assert size < 0 or max(map(len, pieces)) <= size
    packed = b"".join(pieces)
    content = b"".join(file.read_bytes() for file in files)
    assert UNPACK[compression](packed) == content
    assert len(packed) < len(content) / 10
    assert stream.read(size) == b""


@pytest.mark.parametrize("compression", UNPACK)
def test_no_files_are_an_empty_stream(compression: Compression) -> None:
    assert UNPACK[compression](CompressedFiles([], compression).read()) == b""


def test_a_stream_holds_no_more_than_it_needs(files: list[Path]) -> None:
    stream = CompressedFiles(files, "ZSTD")
    assert stream.read(10)
    assert len(stream._ready) < PIECE_BYTES
    assert len(stream._waiting) < len(files)


@pytest.mark.parametrize("compression", UNPACK)
@pytest.mark.parametrize("connections", [1, 2, 3])
def test_every_chunk_is_sent_once_whatever_the_connections(
    tmp_path: Path, compression: Compression, connections: int
) -> None:
    data = _five_chunks(tmp_path)
    engine = Vertica(dsn=DSN, compression=compression, connections=connections)
    engine._pool = [Recorder() for _ in range(connections)]
    engine.insert(data)
    sent = [UNPACK[compression](stream) for each in engine._pool for stream in each.streams]
    lines = sorted(b"".join(sent).splitlines())
    assert lines == sorted(b"".join(file.read_bytes() for file in data.csv).splitlines())
    assert len(lines) == data.rows
    assert len(sent) == min(connections, len(data.csv))
    assert all(each.commits == 1 for each in engine._pool)
    assert {sql for each in engine._pool for sql in each.statements} == {copy_statement(compression)}


def test_one_bad_row_refuses_the_load() -> None:
    assert copy_statement("GZIP") == (
        "COPY events (event_time, user_id, event_type, value) FROM STDIN GZIP DELIMITER ',' NULL '' "
        "ABORT ON ERROR NO COMMIT"
    )


def test_the_projection_is_ordered_as_the_merge_tree_is() -> None:
    mine, theirs = (" ".join(statement(name, "create").split()) for name in ("vertica", "clickhouse"))
    order = "event_type, event_time"
    assert f"ORDER BY {order} SEGMENTED BY HASH(user_id) ALL NODES" in mine
    assert f"ORDER BY ({order})" in theirs


def test_a_query_runs_with_the_threads_asked_for() -> None:
    engine = Vertica(dsn=DSN, compression="", connections=1)
    engine._pool = [Recorder()]
    assert engine.aggregate(threads=3) == {}
    said = engine._pool[0].statements
    assert any(sql.endswith("EXECUTIONPARALLELISM 3") for sql in said)
    assert said[-1] == statement("vertica", "aggregate")
    (made,) = (sql.split()[3] for sql in said if sql.startswith("CREATE RESOURCE POOL"))
    assert f"SET SESSION RESOURCE_POOL = {made}" in said


def test_an_address_becomes_the_drivers_options() -> None:
    assert options("vertica://dbadmin:secret@db.example:5444/events?ssl=on") == {
        "host": "db.example",
        "port": 5444,
        "user": "dbadmin",
        "password": "secret",
        "database": "events",
        "ssl": True,
        "connection_timeout": 10,
        "autocommit": False,
    }
    assert options("vertica://dbadmin@db.example/events")["port"] == 5433


@pytest.mark.parametrize(
    ("dsn", "compression", "reason"),
    [
        ("", "", "VERTICA_DSN is not set .*no longer published"),
        ("postgres://u:geheim@h/d", "", "VERTICA_DSN is not vertica://"),
        ("vertica://u:geheim@/d", "", "VERTICA_DSN is not vertica://"),
        ("vertica://u:geheim@h", "", "VERTICA_DSN is not vertica://"),
        ("vertica://u:geheim@h:port/d", "", "VERTICA_DSN is not vertica://"),
        (DSN, "BZIP", "VERTICA_COPY is BZIP; say ZSTD or GZIP"),
    ],
)
def test_what_cannot_be_used_says_why(dsn: str, compression: str, reason: str) -> None:
    said = Vertica(dsn=dsn, compression=compression, connections=1).available()
    assert said is not None
    assert re.search(reason, said)
    assert "geheim" not in said


def test_an_address_that_can_be_used_has_no_reason_against_it() -> None:
    assert Vertica(dsn=DSN, compression="GZIP", connections=1).available() is None


def test_a_server_that_does_not_answer_is_unavailable_in_one_line() -> None:
    dsn = "vertica://dbadmin:geheim@127.0.0.1:1/events"
    with (
        pytest.raises(Unavailable, match="Vertica: ") as caught,
        Vertica(dsn=dsn, compression="", connections=1),
    ):
        pytest.fail("nothing listens there")
    assert "geheim" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_the_driver_says_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(**_: object) -> None:
        raise vertica_python.errors.ConnectionError("no\n  such  host")

    monkeypatch.setattr(vertica_python, "connect", connect)
    with (
        pytest.raises(Unavailable, match=r"^Vertica: no such host$"),
        Vertica(dsn=DSN, compression="", connections=1),
    ):
        pytest.fail("it did not connect")


def _five_chunks(directory: Path) -> Dataset:
    data = dataset.make(directory, seed=2, rows=2_000)
    lines = data.csv[0].read_bytes().splitlines(keepends=True)
    cut = [directory / f"cut-{place}.csv" for place in range(5)]
    for place, file in enumerate(cut):
        file.write_bytes(b"".join(lines[place * 400 : (place + 1) * 400]))
    return replace(data, csv=tuple(cut))
