"""Both benches on the real services, as small as they go: every count is right, every figure is there."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks import ids, recovery
from benchmarks.frame.baseline import Meter
from benchmarks.frame.errors import Void
from benchmarks.frame.session import Session
from benchmarks.remembering import history
from benchmarks.remembering.asking import CountingStore
from etl.dedup import Dedup
from etl.packed import PACKED_BYTES
from telemetry.clock import SystemClock

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Session]:
    """A session with real time and a baseline that never moves: other tests run beside this one."""
    clock = SystemClock()
    meter = Meter(lambda: lambda: clock.sleep(0.01), clock=clock, say=lambda _: None, drift_max=100)
    meter.calibrate()
    session = Session(
        bench="ids",
        scale="standard",
        seed=3,
        scratch=tmp_path,
        clock=clock,
        meter=meter,
        say=lambda _: None,
    )
    with ExitStack() as left:
        left.callback(session.close)
        yield session


def test_new_events_are_told_from_copies(real: Session, monkeypatch: pytest.MonkeyPatch, lent: Any) -> None:
    monkeypatch.setattr(ids, "Warehouse", lent)
    # Four ranges of the first window are more than is asked for before the memory is read.
    monkeypatch.setitem(Dedup.__init__.__kwdefaults__, "asked_before_reading", 12_000)
    ids.measure(real, ids.Sizes(20_000, samples=1, rows=4_000))
    figures = {each.key: each for each in real.figures}
    for version in ids.VERSIONS:
        for word in ("new", "bare", "copies"):
            assert figures[f"ids.{word}.{version}.wall"].median > 0
            assert figures[f"ids.{word}.{version}.client"].median > 0
        assert figures[f"ids.reading.{version}"].median > 0
        assert figures[f"ids.remember.{version}"].median > 0
        assert figures[f"ids.disk.{version}"].median > 1
        # The memory is at work, so nearly nothing is asked.
        assert figures[f"ids.new.{version}.asked"].median < 5
        assert real.settings[f"{version}: of the stored ids are held"] == "all, in a filter"
    assert [each.key for each in real.figures if each.target] == ["ids.new.uuid7.wall"]
    assert len([each for each in real.checks if "known again" in each.what]) == 2


def test_a_table_that_was_not_filled_as_told_voids_the_run(
    real: Session, monkeypatch: pytest.MonkeyPatch, lent: Any
) -> None:
    warehouse = lent(real.scratch / "warehouse", clock=real.clock)
    try:
        warehouse.start()
        dsn = warehouse.dsn("admin")
        stored = history.fill(real, dsn, version="uuid4", count=3_001)
        assert stored.count == 3_001
        store = CountingStore.at(warehouse.dsn("writer"))
        # What the memory is read from brings each id that tells no time once, and no time for it.
        assert sum(len(piece) for piece in store.remembered()) == 3_001 * PACKED_BYTES
        found = history.some(dsn, of=stored, limit=100)
        assert len(set(found)) == 100
        assert {id_[14:15] for id_ in found} == {b"4"}
        assert {id_[19:20] for id_ in found} <= {b"8", b"9", b"a", b"b"}
        monkeypatch.setattr(history, "FILL", history.FILL + " WHERE number != 5")
        with pytest.raises(Void, match="ids stored, uuid7 should be 3000 and is 2999"):
            history.fill(real, dsn, version="uuid7", count=3_000)
    finally:
        warehouse.stop()


def test_a_kill_and_a_backlog_are_measured_and_every_event_is_there_once(
    real: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    real.bench = "recovery"
    # Others run beside this test: whether the ETL keeps up is looked at elsewhere.
    monkeypatch.setattr("benchmarks.recovering.outage.USUAL_MAX_S", 30.0)
    recovery.measure(real, recovery.Sizes(outages=1, backlog=5_000, rate=300, seconds=200))
    figures = {each.key: each for each in real.figures}
    # A member that died is waited for, ten seconds.
    assert 2 < figures["recovery.assigned"].median < figures["recovery.first_commit"].median < 90
    assert figures["recovery.backlog"].median > 300
    assert figures["recovery.catch_up"].median > 1
    assert figures["recovery.memory.etl"].median > 50
    assert figures["recovery.drained"].median > 0
    assert {each.key: each.target.limit for each in real.figures if each.target} == {
        "recovery.first_commit": 30,
        "recovery.catch_up": 3,
        "recovery.memory.etl": 400,
    }
    assert len(real.checks) == 8
