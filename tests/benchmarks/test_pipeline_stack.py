"""Both benches on the real stack, as small as they go: every count is right, every figure is there."""

import json
from typing import Any, ClassVar

import psutil
import pytest

from benchmarks import kafka_engine, pipeline
from benchmarks.draining import topic
from benchmarks.draining.drain import Table
from benchmarks.draining.servers import Servers
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.session import Session
from benchmarks.frame.stack import Stack
from benchmarks.path import Batch
from contract.wire import Record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


class LookedAt(Stack):
    """A bench's own stack; what it says of itself is looked at before the bench ends it."""

    made: ClassVar[list["LookedAt"]] = []

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.made.append(self)
        self.seen: dict[str, int] = {}

    def __exit__(self, *raised: Any) -> None:
        try:
            if raised == (None, None, None):
                self.seen = self.pids()
                assert set(self.seen) == {"supervisor", "broker", "warehouse", "etl", "api"}
                assert self.http_json("/health/ready")
                assert self.dsn("analyst").endswith(f"@127.0.0.1:{self.ports['UGC_WAREHOUSE_PORT']}/ugc")
                shown = json.loads(self.ugc("settings", "--json"))
                assert shown["UGC_KAFKA_BOOTSTRAP"] == ""
                with pytest.raises(BenchFailed, match="/nowhere: 404"):
                    self.http_json("/nowhere")
        finally:
            super().__exit__(*raised)


def test_the_whole_path_is_measured_and_checked(real: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    real.bench = "pipeline"
    monkeypatch.setattr(LookedAt, "made", [])
    monkeypatch.setattr(pipeline, "Stack", LookedAt)
    # What the person has set for servers of his own must not reach it: a bench would write to them.
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", "production:9092")
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", "http://production:8123/ugc")
    # Others run beside this test: whether the generator kept up is looked at elsewhere.
    monkeypatch.setattr("benchmarks.frame.load.report.LATE_MAX_S", 10.0)
    batches = (Batch(3_000, 100, 4), Batch(2_000, 1_000, 2), Batch(50, 1, 4))
    pipeline.measure(
        real, pipeline.Sizes(rounds=1, batches=batches, steady_runs=1, steady_s=1.0, steady_rate=200)
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
    if real.skipped:
        assert [each.what for each in real.skipped] == ["profiles of collector and ETL"]
    else:
        assert {each.process for each in real.profiles} == set(pipeline.ROLES)
    (stack,) = LookedAt.made
    assert stack.seen
    assert not any(psutil.pid_exists(pid) for pid in stack.seen.values())
    with pytest.raises(BenchFailed, match="does not run"):
        stack.pids()


def test_both_sides_drain_the_same_topic_into_the_same_tables(real: Session) -> None:
    real.bench = "kafka_engine"
    warehouses = {kafka_engine.OURS: {}, kafka_engine.THEIRS: kafka_engine.TUNED.librdkafka}
    with Servers(real.scratch / "servers", warehouses, clock=real.clock) as servers:
        tables = {name: Table(servers.dsn(name, "admin")) for name in warehouses}
        for ids in ("uuid7", "uuid4"):
            field = kafka_engine.filled(real, servers, tables, ids, 3_000)
            # A record that is no event: neither side may stumble over it, or store it.
            topic.fill(servers.bootstrap, [Record(b"", b"", [("ugc-canary", b"1")], 1)])
            sides = [
                (field.etl(), kafka_engine.OURS),
                (field.engine(kafka_engine.THEIRS, kafka_engine.TUNED), kafka_engine.THEIRS),
            ]
            # What the ids are is nothing to an engine that looks at none.
            for side, server in sides if ids == "uuid7" else sides[:1]:
                tables[server].fresh()
                assert field.drain(side, server, steps_min=0).whole_s > 0
        # Three drains, three counts each.
        assert len(real.checks) == 9
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
