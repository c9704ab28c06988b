"""The three storage benches whole, on small tables: what they measure, check, skip and leave behind."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from benchmarks import formats, growth, storage
from benchmarks.engines.every import cores, thread_steps
from benchmarks.engines.measuring import Series
from benchmarks.engines.postgres_cluster import binaries
from benchmarks.engines.ways import WAYS
from benchmarks.frame.baseline import Meter
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Figure
from benchmarks.frame.pairs import PAIRS_MIN
from benchmarks.frame.session import REPEATS_MIN, Session
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

        def make(bench: str, scale: str = "standard") -> Session:
            return Session(
                bench=bench,
                scale=scale,
                seed=3,
                scratch=Path(directory),
                clock=clock,
                meter=meter,
                say=lambda _: None,
            )

        before = set(psutil.Process().children(recursive=True))
        yield make
        left = set(psutil.Process().children(recursive=True)) - before
        assert {each.name() for each in left} <= {"python", "python3"}


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLICKHOUSE_DSN", "POSTGRES_DSN", "VERTICA_DSN"):
        monkeypatch.delenv(name, raising=False)


@dataclass
class Asked:
    """How often a bench wanted something measured."""

    times: list[int] = field(default_factory=list)
    pairs: list[int] = field(default_factory=list)


@pytest.fixture
def twice(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Everything is taken twice, whatever is asked for: what a third time does, the second has done.

    That the frame refuses fewer than it asks for is looked at where the frame is.
    """
    asked = Asked()

    def shortened(measured: Callable[..., None]) -> Callable[..., None]:
        def measure(series: Series, *rest: Any) -> None:
            asked.times.append(series.times)
            measured(replace(series, times=2), *rest)

        return measure

    def compare(*arguments: Any, pairs: int = PAIRS_MIN, **rest: Any) -> Any:
        asked.pairs.append(pairs)
        return compared(*arguments, pairs=2, **rest)

    compared = Session.compare
    monkeypatch.setattr(Session, "compare", compare)
    monkeypatch.setattr("benchmarks.frame.session.REPEATS_MIN", 2)
    monkeypatch.setattr("benchmarks.frame.pairs.PAIRS_MIN", 2)
    for bench, names in {
        storage: ("insert", "aggregate", "aggregate_cold"),
        growth: ("insert", "aggregate"),
    }.items():
        for name in names:
            monkeypatch.setattr(bench, name, shortened(getattr(bench, name)))
    return asked


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
def test_storage(make_session: "type[Session]", twice: Asked) -> None:
    session = make_session("storage")
    storage.measure(session, rows=ROWS)
    assert_believable(session)
    found = {each.key: each for each in session.figures}
    for engine in HERE:
        for key in ("insert", "insert_cpu", "insert_memory", "aggregate_cold"):
            assert len(found[f"storage.{key}.{engine}"].samples) == 2
        for threads in thread_steps(cores()):
            assert len(found[f"storage.aggregate.{engine}_{threads}"].samples) == 2
            assert len(found[f"storage.aggregate_cpu.{engine}_{threads}"].samples) == 2
        assert found[f"storage.size.{engine}"].median > ROWS
        assert found[f"storage.settle.{engine}"].median > 0
    assert len(found["storage.insert.clickhouse_with_rollup"].samples) == 2
    assert [each.target for each in found.values() if each.target] == []
    bare, rollup = session.comparisons
    assert (bare.key, rollup.key) == ("storage.bare_insert", "storage.rollup")
    assert [len(each.pairs) for each in (bare, rollup)] == [2, 2]
    assert (bare.target.limit, bare.measure) == (1.3, "cpu")
    assert (rollup.target.limit, rollup.measure) == (0.1, "wall")
    assert {role for pair in bare.pairs for role in pair.b.cpu_s} == {"chdb", "bench"}
    # Two and one to warm up: of each engine that is here, of each side of the pairs, and with the rollup.
    loads = [each for each in session.checks if "rows loaded" in each.what]
    assert len(loads) == 3 * len(HERE) + 6 + 3
    # Of each engine the load, the cold question, and one by number of threads; and the load with the rollup.
    assert twice.times == [REPEATS_MIN] * ((2 + len(thread_steps(cores()))) * len(HERE) + 1)
    assert twice.pairs == [PAIRS_MIN, PAIRS_MIN]
    assert [each.what for each in session.skipped if each.what == "Vertica"]
    assert "sha256" in session.settings["data, CSV"]


@pytest.mark.stack
@pytest.mark.timeout(200)
def test_formats(make_session: "type[Session]", monkeypatch: pytest.MonkeyPatch) -> None:
    assert formats.TIMES == REPEATS_MIN
    monkeypatch.setattr(formats, "TIMES", 1)
    session = make_session("formats")
    formats.measure(session, {100: 300, 250: 500}, ["rows"])
    assert_believable(session)
    wanted = {f"{way.name}.250" for way in WAYS} | {"rows.100"}
    assert keys(session.figures) == {
        f"formats.{what}.{each}" for what in ("rate", "client", "server") for each in wanted
    }
    # One that warms up, one that is measured.
    assert len(session.checks) == 2 * len(wanted)
    assert all(f"{way.title}: starts with" in session.settings for way in WAYS)


@pytest.mark.stack
@pytest.mark.timeout(200)
def test_growth(make_session: "type[Session]", monkeypatch: pytest.MonkeyPatch, twice: Asked) -> None:
    monkeypatch.setattr(growth, "POSTGRES_ROWS_MAX", 1_000)
    session = make_session("growth", "full")
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
    assert twice.times == [growth.TIMES] * (2 * sum(map(len, sizes.values())))
    assert growth.TIMES == REPEATS_MIN
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
