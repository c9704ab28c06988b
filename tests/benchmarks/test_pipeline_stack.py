"""Both benches on the real stack, as small as they go: every count is right, every figure is there."""

import pytest

from benchmarks import kafka_engine, pipeline
from benchmarks.draining import topic
from benchmarks.draining.drain import Table
from benchmarks.draining.servers import Servers
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.session import Session
from benchmarks.path import Batch
from contract.wire import Record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


def test_the_whole_path_is_measured_and_checked(real: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    real.bench = "pipeline"
    # Others run beside this test: whether the generator kept up is looked at elsewhere.
    monkeypatch.setattr("benchmarks.frame.load.report.LATE_MAX_S", 10.0)
    batches = (Batch(3_000, 100, 4), Batch(2_000, 1_000, 2), Batch(50, 1, 4))
    pipeline.measure(
        real, pipeline.Sizes(rounds=2, batches=batches, steady_runs=1, steady_s=1.0, steady_rate=200)
    )
    figures = {each.key: each for each in real.figures}
    for key in ("b1", "b100", "b1000"):
        assert figures[f"pipeline.end_to_end.{key}"].median > 0
        assert figures[f"pipeline.bottleneck.{key}"].note
    for role in pipeline.ROLES:
        assert figures[f"pipeline.cpu.{role}"].median > 0
        assert figures[f"pipeline.rss.{role}"].median > 1
    assert 0 < figures["pipeline.visible.p50"].median <= figures["pipeline.visible.p99"].median < 30
    assert 300 < figures["pipeline.bytes.record"].median < 500
    assert 1 < figures["pipeline.bytes.raw"].median < 1_000
    assert 10 < figures["pipeline.bytes.log"].median < 10_000
    held = [each for each in real.checks if each.what.startswith("/stats/dau")]
    # Each batch, the steady load, and the profiled batch.
    assert len(held) >= 4
    assert {each.process for each in real.profiles} == set(pipeline.ROLES) or real.skipped


def test_both_sides_drain_the_same_topic_into_the_same_tables(real: Session) -> None:
    real.bench = "kafka_engine"
    warehouses = {kafka_engine.OURS: {}, kafka_engine.THEIRS: kafka_engine.TUNED.librdkafka}
    with Servers(real.scratch / "servers", warehouses, clock=real.clock) as servers:
        tables = {name: Table(servers.dsn(name, "admin")) for name in warehouses}
        for ids in ("uuid7", "uuid4"):
            field = kafka_engine.filled(real, servers, tables, ids, 3_000)
            # A record that is no event: neither side may stumble over it, or store it.
            topic.fill(servers.bootstrap, [Record(b"", b"", [("ugc-canary", b"1")], 1)])
            for side, server in (
                (field.etl(), kafka_engine.OURS),
                (field.engine(kafka_engine.THEIRS, kafka_engine.TUNED), kafka_engine.THEIRS),
            ):
                tables[server].fresh()
                assert field.drain(side, server, steps_min=0).whole_s > 0
        # Four drains, three counts each.
        assert len(real.checks) == 12
        field.records += 1
        tables[kafka_engine.THEIRS].fresh()
        engine = field.engine(kafka_engine.THEIRS, kafka_engine.TUNED)
        engine.require_alive = _after_three_looks()  # type: ignore[method-assign]
        with pytest.raises(BenchFailed, match="enough"):
            field.drain(engine, kafka_engine.THEIRS)


def _after_three_looks() -> object:
    looks = iter(range(30))

    def look() -> None:
        if next(looks, None) is None:
            raise BenchFailed("looked long enough")

    return look
