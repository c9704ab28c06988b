"""The month of history that `ugc demo` sends: interrupted and sent again, each event is there once."""

import json
import math
import signal
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contract.limits import DAY_MS
from contract.splitting import split
from ops.cli import run
from ops.generating.plan import Plan
from ops.generating.writing import generate
from ops.sending.door import Door, SendFailed
from ops.stack.history import fill
from ops.stack.running import Running, StackFailed
from ops.terminal.stopping import Stopping, Waking
from telemetry.clock import SystemClock

ENDS_AT_MS = int(datetime(2026, 4, 15, 9, 30, tzinfo=UTC).timestamp()) * 1000
PLAN = Plan(events=900, users=20, days=30, seed=1, ends_at_ms=ENDS_AT_MS)
A_DAY_LATER = Plan(events=900, users=20, days=30, seed=1, ends_at_ms=ENDS_AT_MS + DAY_MS)
TODAY = datetime.fromtimestamp(ENDS_AT_MS / 1000, UTC).date()


class Collector:
    """Remembers what it took; after so many requests it is gone, or `then` happens."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}
        self.requests = 0
        self.gone_after: float = math.inf
        self.then: tuple[int, Callable[[], None]] = (0, lambda: None)
        self.refusing = False

    def __call__(self, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        if body.startswith(b"/stats"):
            return 200, {}, json.dumps({"data": self.users()}).encode()
        self.requests += 1
        if self.requests > self.gone_after:
            return None
        events = split(body)
        same = [raw == self.taken.setdefault(json.loads(raw)["event_id"], raw) for raw in events]
        if self.requests == self.then[0]:
            self.then[1]()
        accepted = 0 if self.refusing else sum(same)
        counts = {"accepted": accepted, "duplicates": 0, "rejected": len(events) - accepted}
        return 202, {}, json.dumps({**counts, "results": []}).encode()

    def users(self) -> list[dict[str, Any]]:
        taken = [json.loads(raw) for raw in self.taken.values()]
        found = Counter(day for day, _ in {(each["occurred_at"][:10], each["user_id"]) for each in taken})
        return [{"date": day, "users": users} for day, users in found.items()]


class Alive:
    def poll(self) -> None:
        return None


def ids_of(plan: Plan) -> set[str]:
    return {each.decode() for chunk in generate(plan) for each in chunk.event_ids}


def run_fill(plan: Plan, state: Path, url: str, stopping: Stopping) -> bool:
    clock = Waking(SystemClock(), stopping)
    stack = Running(Alive(), url, "", {})  # type: ignore[arg-type]
    return fill(plan, state, Door(url=f"{url}/events", clock=clock), stack, clock)


@pytest.fixture
def small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.generating.generate.EVENTS_PER_REQUEST_MAX", 100)


@pytest.mark.usefixtures("small_requests")
@pytest.mark.parametrize("how", ["asked to stop", "gone"])
def test_a_history_that_was_interrupted_is_sent_again_and_is_there_once(
    how: str, serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collector, state, stopping = Collector(), tmp_path / "demo.json", Stopping()
    served = serve(collector)
    if how == "gone":
        collector.gone_after = 4
        with pytest.raises(SendFailed):
            run_fill(PLAN, state, served.url, stopping)
        collector.gone_after = math.inf
    else:
        collector.then = (4, lambda: stopping.note(signal.SIGINT, None))
        assert run_fill(PLAN, state, served.url, stopping) is False
    assert 0 < len(collector.taken) < len(ids_of(PLAN))
    capsys.readouterr()
    # A day later: another month would be generated, and counted beside the first.
    assert run_fill(A_DAY_LATER, state, served.url, Stopping()) is True
    assert set(collector.taken) == ids_of(PLAN)
    said = capsys.readouterr().err
    assert "interrupted in its month of history" in said
    assert "refused" not in said, "an event came again with other bytes"
    assert "as generated" in said
    requests = collector.requests
    assert run_fill(A_DAY_LATER, state, served.url, Stopping()) is True
    assert collector.requests == requests
    assert "the month of history is there already" in capsys.readouterr().err


def test_a_month_too_old_to_be_sent_is_said_and_not_waited_for(
    serve: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collector = Collector()
    collector.refusing = True
    assert run_fill(PLAN, tmp_path / "demo.json", serve(collector).url, Stopping()) is True
    said = capsys.readouterr().err
    assert "900 were refused" in said
    assert "as generated" not in said


@pytest.mark.parametrize(
    "text", ["", '{"plan": {"eve', '{"sent": true}', '{"plan": {"days": 1}, "sent": true}']
)
def test_a_note_that_does_not_say_what_was_begun_begins_nothing_beside_it(
    text: str, serve: Any, tmp_path: Path
) -> None:
    collector, state = Collector(), tmp_path / "demo.json"
    state.write_text(text)
    with pytest.raises(StackFailed, match="begin with a new UGC_DATA_DIR"):
        run_fill(PLAN, state, serve(collector).url, Stopping())
    assert not collector.requests


def test_with_keys_required_a_demo_without_one_says_how_to_make_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UGC_AUTH_REQUIRED", "true")
    assert run(["demo"]) == 1
    said = capsys.readouterr().err
    assert "ugc keys create demo --api --scope write --scope read" in said
    assert not list(tmp_path.iterdir())
    assert run(["demo", "--key", "@nowhere"]) == 2


def test_the_key_goes_along_and_one_that_may_not_ask_is_said(serve: Any) -> None:
    served = serve(lambda path: (403, {}, b"{}") if path.startswith(b"/stats") else None)
    with pytest.raises(StackFailed, match="--scope write and --scope read"):
        Running(Alive(), served.url, "", {"Authorization": "Bearer k"}).users(TODAY, TODAY)  # type: ignore[arg-type]
    assert [each["Authorization"] for each in served.headers] == ["Bearer k"]
