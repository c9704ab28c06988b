"""The three storage benches whole, on small tables: what they measure, check, skip and leave behind."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks import formats, growth, storage
from benchmarks.engines.every import cores, thread_steps
from benchmarks.engines.postgres_cluster import binaries
from benchmarks.engines.ways import WAYS
from benchmarks.frame.baseline import Meter
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Figure
from benchmarks.frame.session import Session
from telemetry.clock import SystemClock

ROWS = 5_000
HERE = ["clickhouse", "duckdb", *(["postgres"] if binaries() else [])]


@pytest.fixture
def make_session() -> Iterator["type[Session]"]:
    """Sessions that measure, on a machine that need not be quiet."""
    with tempfile.TemporaryDirectory(prefix="ugc-storage-") as directory:
        clock = SystemClock()
        meter = Meter(lambda: lambda: clock.sleep(0.001), clock=clock, say=lambda _: None, drift_max=1e9)
        meter.calibrate()

        def make(bench: str) -> Session:
            return Session(
                bench=bench,
                scale="standard",
                seed=3,
                scratch=Path(directory),
                clock=clock,
                meter=meter,
                say=lambda _: None,
            )

        yield make
        assert {each.name() for each in psutil.Process().children(recursive=True)} <= {"python", "python3"}


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLICKHOUSE_DSN", "POSTGRES_DSN", "VERTICA_DSN"):
        monkeypatch.delenv(name, raising=False)


def keys(figures: list[Figure]) -> set[str]:
    return {each.key for each in figures}


def assert_believable(session: Session) -> None:
    assert all(sample > 0 for each in session.figures for sample in each.samples)
    assert not [each.key for each in session.figures if each.target and each.target.gates]
    assert {each.what: each.reason[:23] for each in session.skipped if each.what == "Vertica"} in (
        {"Vertica": "VERTICA_DSN is not set "},
        {},
    )
    assert "embedded" in session.settings["ClickHouse: is"]
    assert session.versions["ClickHouse"].startswith("26.")


@pytest.mark.stack
@pytest.mark.timeout(400)
def test_storage(make_session: "type[Session]") -> None:
    session = make_session("storage")
    storage.measure(session, rows=ROWS)
    assert_believable(session)
    found = {each.key: each for each in session.figures}
    for engine in HERE:
        for key in ("insert", "insert_cpu", "insert_memory", "aggregate_cold"):
            assert len(found[f"storage.{key}.{engine}"].samples) == 5
        for threads in thread_steps(cores()):
            assert len(found[f"storage.aggregate.{engine}_{threads}"].samples) == 5
            assert len(found[f"storage.aggregate_cpu.{engine}_{threads}"].samples) == 5
        assert found[f"storage.size.{engine}"].median > ROWS
        assert found[f"storage.settle.{engine}"].median > 0
    assert len(found["storage.insert.clickhouse_with_rollup"].samples) == 5
    assert [each.target for each in found.values() if each.target] == []
    bare, rollup = session.comparisons
    assert (bare.key, rollup.key) == ("storage.bare_insert", "storage.rollup")
    assert [len(each.pairs) for each in (bare, rollup)] == [7, 7]
    assert (bare.target.limit, bare.measure) == (1.3, "cpu")
    assert (rollup.target.limit, rollup.measure) == (0.1, "wall")
    assert {role for pair in bare.pairs for role in pair.b.cpu_s} == {"chdb", "bench"}
    # Six loads an engine that is here, eight of each side of the pairs, six with the rollup.
    loads = [each for each in session.checks if "rows loaded" in each.what]
    assert len(loads) == 6 * len(HERE) + 16 + 6
    assert [each.what for each in session.skipped if each.what == "Vertica"]
    assert "sha256" in session.settings["data, CSV"]


@pytest.mark.stack
@pytest.mark.timeout(200)
def test_formats(make_session: "type[Session]") -> None:
    session = make_session("formats")
    formats.measure(session, {100: 300, 250: 500}, ["rows"])
    assert_believable(session)
    wanted = {f"{way.name}.250" for way in WAYS} | {"rows.100"}
    assert keys(session.figures) == {
        f"formats.{what}.{each}" for what in ("rate", "client", "server") for each in wanted
    }
    assert len(session.checks) == 6 * len(wanted)
    assert all(f"{way.title}: starts with" in session.settings for way in WAYS)


@pytest.mark.stack
@pytest.mark.timeout(200)
def test_growth(make_session: "type[Session]", monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "POSTGRES_ROWS_MAX", 1_000)
    session = make_session("growth")
    growth.measure(session, [1_000, 3_000, 10**12])
    assert_believable(session)
    sizes = {engine: [1_000, 3_000] if engine != "postgres" else [1_000] for engine in HERE}
    assert keys(session.figures) == {
        f"growth.{what}.{engine}.{rows}"
        for what in (
            *("insert", "insert_cpu", "insert_memory", "size"),
            *("aggregate", "aggregate_cpu", "aggregate_memory"),
        )
        for engine in HERE
        for rows in sizes[engine]
    }
    skipped = {each.what for each in session.skipped}
    assert {"1,000,000,000,000 rows", "Vertica"} <= skipped
    assert ("PostgreSQL, 3,000 rows" in skipped) == ("postgres" in HERE)
    assert list((session.scratch / "data").iterdir()) == []


def test_a_disk_too_small_for_every_size_is_said_before_anything_starts(
    make_session: "type[Session]",
) -> None:
    session = make_session("growth")
    with pytest.raises(BenchFailed, match="no size fits on this disk"):
        growth.measure(session, [10**12])
    assert [each.what for each in session.skipped] == ["1,000,000,000,000 rows"]
    assert list(session.scratch.iterdir()) == []
