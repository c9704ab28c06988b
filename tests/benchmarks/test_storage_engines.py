"""The engines' frame: who is here and who says why not, processes of their own, files made cold."""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from services import until

from benchmarks import dataset
from benchmarks.engines import page_cache, postgres_cluster
from benchmarks.engines.clickhouse import ClickHouse
from benchmarks.engines.duckdb import DuckDB
from benchmarks.engines.engine import SQL, Unavailable, statement
from benchmarks.engines.every import engines, running, thread_steps
from benchmarks.engines.postgres import Postgres
from benchmarks.engines.worker import Worker
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.session import Session
from telemetry.clock import SystemClock

ENGINES = ("clickhouse", "vertica", "duckdb", "postgres")


def test_every_engine_is_there_under_the_name_of_its_sql(tmp_path: Path) -> None:
    found = engines({}, tmp_path, connections=2, clock=SystemClock())
    assert tuple(each.name for each in found) == ENGINES
    assert {each.name for each in SQL.iterdir()} == set(ENGINES)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_question_in_each_dialect(engine: str) -> None:
    asked = " ".join(statement(engine, "aggregate").split()).replace("count(*)", "count()")
    assert asked == "SELECT event_type, count(), avg(value) FROM events GROUP BY event_type"


def test_a_statement_comes_without_its_comments() -> None:
    for file in SQL.rglob("*.sql"):
        text = statement(file.parent.name, file.stem)
        assert file.read_text().startswith("-- Who asks: ")
        assert text
        assert "--" not in text
        assert not text.endswith(";")


@pytest.mark.parametrize(
    ("most", "steps"), [(1, [1]), (2, [1, 2]), (3, [1, 2, 3]), (8, [1, 2, 4, 8]), (12, [1, 2, 4, 8, 12])]
)
def test_threads_double_up_to_all_cores(most: int, steps: list[int]) -> None:
    assert thread_steps(most) == steps


def test_what_is_not_here_is_skipped_with_its_reason(session: Session, tmp_path: Path) -> None:
    found = {e.name: e for e in engines({}, tmp_path, connections=1, clock=SystemClock())}
    with running(session, found["vertica"]) as here:
        assert not here
    (skip,) = session.skipped
    assert skip.what == "Vertica"
    assert skip.reason.startswith("VERTICA_DSN is not set")
    assert session.settings == {}
    assert session.versions == {}


def test_what_is_here_says_what_it_is(session: Session, tmp_path: Path) -> None:
    with running(session, DuckDB(tmp_path, threads=1)) as here:
        assert here
    assert session.versions["DuckDB"].startswith("v")
    assert session.settings["DuckDB: cold"] == DuckDB.cold
    assert session.settings["DuckDB: threads that insert"] == "1"
    assert [each.name for each in tmp_path.iterdir()] == ["duckdb.log"]


def test_a_missing_package_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in ("duckdb", "postgres", "vertica"):
        name = f"benchmarks.engines.{module}"
        monkeypatch.setattr(sys.modules[name], "find_spec", lambda _: None)
    environ = {"VERTICA_DSN": "vertica://u@h/d"}
    found = engines(environ, tmp_path, connections=1, clock=SystemClock())
    reasons = {each.name: each.available() for each in found}
    assert reasons["clickhouse"] is None
    assert reasons["duckdb"] == "the package duckdb is not here; pip install 'ugc[bench]'"
    assert reasons["postgres"] == "the package psycopg is not here; pip install 'ugc[bench]'"
    assert reasons["vertica"] == "the package vertica-python is not here; pip install 'ugc[bench]'"


def test_no_postgres_is_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_cluster, "DEBIAN", tmp_path)
    engine = Postgres(tmp_path, dsn="", connections=1, clock=SystemClock())
    assert "no PostgreSQL is installed here" in (engine.available() or "")
    assert Postgres(tmp_path, dsn="host=db", connections=1, clock=SystemClock()).available() is None


def test_the_newest_postgres_of_a_machine_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version in ("9", "15", "17"):
        bin_dir = tmp_path / version / "bin"
        bin_dir.mkdir(parents=True)
        for name in ("initdb", "postgres") if version != "17" else ("initdb",):
            (bin_dir / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres_cluster, "DEBIAN", tmp_path)
    assert postgres_cluster.binaries() == tmp_path / "15" / "bin"


@pytest.mark.parametrize(
    ("variable", "dsn", "what"),
    [
        ("CLICKHOUSE_DSN", "http://u:geheim@127.0.0.1:1/x", "ClickHouse"),
        ("POSTGRES_DSN", "host=127.0.0.1 port=1 user=u password=geheim", "PostgreSQL"),
    ],
)
def test_a_server_that_does_not_answer_is_skipped(
    session: Session, tmp_path: Path, variable: str, dsn: str, what: str
) -> None:
    found = {e.title: e for e in engines({variable: dsn}, tmp_path, connections=1, clock=SystemClock())}
    with running(session, found[what]) as here:
        assert not here
    (skip,) = session.skipped
    assert skip.what == what
    assert "geheim" not in skip.reason
    assert "\n" not in skip.reason
    assert list(tmp_path.iterdir()) == []


@pytest.mark.stack
def test_a_clickhouse_of_ones_own_keeps_what_it_has(tmp_path: Path) -> None:
    data = dataset.make(tmp_path / "data", seed=1, rows=100)
    with ClickHouse(tmp_path / "server", dsn="", connections=1, clock=SystemClock()) as server:
        server.execute("CREATE TABLE default.events (x UInt8) ENGINE = MergeTree ORDER BY x")
        server.execute("INSERT INTO default.events VALUES (1), (2)")
        dsn = server._own_dsn("default")
        with ClickHouse(tmp_path / "client", dsn=dsn, connections=2, clock=SystemClock()) as engine:
            assert engine.pids() == {}
            engine.create()
            engine.insert(data)
            engine.chill()
            assert engine.totals() == data.totals
        left = server.query("SELECT name FROM system.databases WHERE name LIKE 'ugc_bench_%'")
        assert left == [(server._database,)]
        assert server.query("SELECT count() FROM default.events") == [(2,)]
    assert not (tmp_path / "client").exists()


@pytest.mark.stack
def test_a_cluster_does_not_outlive_who_holds_it(place: Path) -> None:
    bin_dir = postgres_cluster.binaries()
    if bin_dir is None:
        pytest.skip("no PostgreSQL is installed here")
    cluster = postgres_cluster.Cluster(place / "cluster", bin_dir, clock=SystemClock())
    cluster.make()
    cluster.start()
    server = psutil.Process(cluster.pid)
    # All that a killed holder leaves behind is the end of this pipe.
    holder = cluster._holder
    assert holder is not None
    assert holder.stdin is not None
    holder.stdin.close()
    until(lambda: not server.is_running(), within_s=30, what="the server stops")
    cluster.stop()
    cluster.start()
    cluster.stop()
    cluster.stop()
    cluster.remove()
    assert not (place / "cluster").exists()


@pytest.mark.stack
def test_a_cluster_that_cannot_be_made_says_why(place: Path) -> None:
    bin_dir = postgres_cluster.binaries()
    if bin_dir is None:
        pytest.skip("no PostgreSQL is installed here")
    cluster = postgres_cluster.Cluster(place / "full", bin_dir, clock=SystemClock())
    cluster.make()
    (cluster.data_dir / "PG_VERSION").write_text("3\n")
    with pytest.raises(Unavailable, match=r"the server did not start: .*FATAL"):
        cluster.start()
    cluster.remove()


def test_a_worker_says_what_went_wrong_and_goes_on(tmp_path: Path) -> None:
    worker = Worker("benchmarks.engines.duckdb_process", str(tmp_path / "f"), log=tmp_path / "log")
    with pytest.raises(BenchFailed, match="does not run"):
        worker.ask("sizes")
    worker.start()
    try:
        with pytest.raises(BenchFailed, match="duckdb_process: Catalog Error"):
            worker.ask("query", sql="SELECT * FROM nothing", threads=1)
        assert worker.ask("query", sql="SELECT 40 + 2", threads=1) == [[42]]
        with pytest.raises(BenchFailed, match="ended: KeyError: 'no such method'"):
            worker.ask("no such method")
    finally:
        worker.stop()
        worker.stop()


def test_a_worker_ends_with_its_standard_input(tmp_path: Path) -> None:
    worker = Worker("benchmarks.engines.duckdb_process", str(tmp_path / "f"), log=tmp_path / "log")
    worker.start()
    process = psutil.Process(worker.pid)
    worker.ask("create")
    worker.stop()
    assert not process.is_running()


@pytest.fixture
def on_disk() -> Iterator[Path]:
    """Not pytest's own, which lies in memory where there is room."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at the page cache of Linux")
def test_a_cold_file_is_read_from_the_disk(on_disk: Path) -> None:
    file = on_disk / "below" / "file"
    file.parent.mkdir()
    file.write_bytes(os.urandom(2**20))
    (on_disk / "link").symlink_to(on_disk / "nowhere")
    if not _is_on_disk(on_disk):
        pytest.skip("this directory is in memory, and nothing in it can be cold")
    assert page_cache.can_forget()
    me = psutil.Process()
    file.read_bytes()
    before = me.io_counters().read_bytes
    file.read_bytes()
    assert me.io_counters().read_bytes == before
    page_cache.forget(on_disk)
    file.read_bytes()
    assert me.io_counters().read_bytes >= before + 2**20


def _is_on_disk(directory: Path) -> bool:
    mounts = {each.mountpoint: each.fstype for each in psutil.disk_partitions(all=True)}
    place = next(each for each in (directory, *directory.parents) if str(each) in mounts)
    return mounts[str(place)] not in {"tmpfs", "ramfs", "overlay"}


@pytest.fixture
def place() -> Iterator[Path]:
    """Where another user may pass through, as a server that refuses root needs it."""
    with tempfile.TemporaryDirectory(prefix="ugc-storage-") as directory:
        yield Path(directory)
