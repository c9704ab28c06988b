"""The bench of the collector: its bare routes, the faults it sends, and both servers under a little load."""

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import collector, events
from benchmarks.collecting import bare
from benchmarks.collecting.door import EVENTS_PATH, LATE_RETAKES, Door
from benchmarks.collecting.servers import BARE, COLLECTOR, HttpServer, Program
from benchmarks.frame.errors import BenchFailed, Void
from benchmarks.frame.load.report import GeneratorLate
from benchmarks.frame.session import Session
from contract.reading import read
from contract.refusals import Refusal
from ops.upkeep import topics
from telemetry.clock import SystemClock
from ugc_api.settings import ApiSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_bare_echo_parses_and_answers() -> None:
    service = bare.build(ApiSettings(kafka_bootstrap="127.0.0.1:9"))
    try:
        client = service.application.test_client()
        assert client.post(bare.ECHO, json=[{}]).status_code == 202
        assert client.post(bare.ECHO, data=b"{", content_type="application/json").status_code == 400
    finally:
        service.close()


def test_every_fault_it_sends_is_refused_in_another_way() -> None:
    plan = events.Plan(seed=1, users=10, ends_at_ms=round(NOW.timestamp() * 1000))
    raws = [events.as_json(event) for event in events.events(plan, 50)]
    assert not any(isinstance(read(raw, received_at=NOW), Refusal) for raw in raws)
    codes = set()
    for number in range(0, 50, collector.BAD_EVERY):
        refused = read(collector.spoilt(raws[number], number), received_at=NOW)
        assert isinstance(refused, Refusal)
        codes.add(refused.code)
    assert len(codes) == 5


class LateDoor(Door):
    """One whose generator is late some times before it is not."""

    def __init__(self, session: Session, late: int) -> None:
        server: Any = None
        super().__init__(session, server, server)
        self.late = late

    def load(self, *_: Any, **__: Any) -> Any:
        return None

    def cost(self, *_: Any, **__: Any) -> Any:
        self.late -= 1
        if self.late >= 0:
            raise GeneratorLate("late")
        return None, SimpleNamespace(quantile_s=lambda share: share)


def test_a_late_generator_is_tried_again_and_not_for_ever(session: Session) -> None:
    kept = LateDoor(session, LATE_RETAKES)
    assert kept.p99_s(requests=1, a_request=1, rate=1) == 0.99
    with pytest.raises(GeneratorLate):
        LateDoor(session, LATE_RETAKES + 1).p99_s(requests=1, a_request=1, rate=1)


@pytest.mark.stack
def test_both_servers_are_loaded_and_what_they_took_is_checked(
    real: Session, tmp_path: Path, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Others run beside this test: whether the generator kept up is looked at elsewhere.
    monkeypatch.setattr("benchmarks.frame.load.report.LATE_MAX_S", 10.0)
    topics.ensure(kafka_bootstrap, retention_days=7)
    with (
        HttpServer(
            COLLECTOR, bootstrap=kafka_bootstrap, directory=tmp_path / "ours", clock=real.clock
        ) as ours,
        HttpServer(BARE, bootstrap=kafka_bootstrap, directory=tmp_path / "bare", clock=real.clock) as other,
    ):
        door = Door(real, ours, other)
        load = door.load(ours, EVENTS_PATH, 5, a_request=4)
        cost, report = door.cost(ours, load, accepted=20)
        assert (cost.units, report.total) == (5, 20)
        assert cost.cpu_s["server"] > 0
        with pytest.raises(Void):
            door.cost(ours, door.load(ours, EVENTS_PATH, 1), accepted=2)
        produced, _ = door.cost(other, door.load(other, bare.PRODUCE, 5))
        assert produced.cpu_s.keys() == {"server"}
        _, each = door.cost(other, door.load(other, bare.EACH, 2, a_request=3), accepted=6)
        assert each.total == 6
        assert 0 < door.p99_s(requests=5, a_request=2, rate=50) < 30
        assert 20 * 2**20 < ours.worker_rss_bytes() < 300 * 2**20


def test_a_server_that_does_not_come_says_its_last_words(tmp_path: Path) -> None:
    program = Program("broken", ("-c", "raise SystemExit('no such thing')"), "/")
    server = HttpServer(program, bootstrap="127.0.0.1:9", directory=tmp_path, clock=SystemClock())
    with pytest.raises(BenchFailed, match="broken does not serve: no such thing"):
        server.__enter__()
