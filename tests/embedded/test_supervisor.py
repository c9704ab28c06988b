"""The supervisor against real processes: order, readiness, restarts with back-off, and a clean end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from services import runs

from embedded.supervisor import Service, StartFailed, Supervisor
from telemetry import logs
from telemetry.clock import SystemClock

SERVE_UNTIL_TERM = (
    "import pathlib, signal, sys, time\n"
    "def stop(*_):\n"
    "    with open(sys.argv[2], 'a') as log: log.write(sys.argv[1] + ' stopped\\n')\n"
    "    sys.exit(0)\n"
    "signal.signal(signal.SIGTERM, stop)\n"
    "print('hello from', sys.argv[1], flush=True)\n"
    "pathlib.Path(sys.argv[2] + '.' + sys.argv[1]).touch()\n"
    "while True: time.sleep(0.05)\n"
)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(logs_dir=tmp_path / "logs", show=lambda *_: None, clock=SystemClock())
    yield made
    made.stop()


def service(
    name: str, journal: Path, *, code: str = SERVE_UNTIL_TERM, ready_within_s: float = 10.0
) -> Service:
    flag = Path(f"{journal}.{name}")
    return Service(
        name=name,
        command=[sys.executable, "-c", code, name, str(journal)],
        ready=flag.exists,
        ready_within_s=ready_within_s,
        stop_within_s=2.0,
    )


def until(condition: Callable[[], bool], *, within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_stops_in_the_opposite_order_of_starting(supervisor: Supervisor, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    supervisor.start([service("first", journal)])
    supervisor.start([service("second", journal)])
    assert supervisor.stop() == []
    assert journal.read_text() == "second stopped\nfirst stopped\n"
    assert "hello from first" in (tmp_path / "logs" / "first.log").read_text()


def test_a_child_that_ends_at_once_fails_the_start_with_its_last_words(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    broken = service("broken", tmp_path / "j", code="import sys; print('no room'); sys.exit(3)")
    with pytest.raises(StartFailed, match=r"broken exited with 3: no room; its log is .*broken\.log"):
        supervisor.start([broken])


def test_a_child_that_never_serves_fails_the_start(supervisor: Supervisor, tmp_path: Path) -> None:
    deaf = service("deaf", tmp_path / "j", code="import time; time.sleep(60)", ready_within_s=0.3)
    with pytest.raises(StartFailed, match="deaf is not ready after"):
        supervisor.start([deaf])


def test_a_killed_child_comes_back(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start([service("worker", tmp_path / "j")])
    first = supervisor.pids()["worker"]
    restarts: list[dict[str, int]] = []

    def stopping() -> bool:
        pids = supervisor.pids()
        if pids.get("worker") == first:
            os.kill(first, signal.SIGKILL)
        return bool(restarts) and "worker" in restarts[-1] and restarts[-1]["worker"] != first

    supervisor.watch(stopping, on_restart=lambda: restarts.append(supervisor.pids()))
    assert restarts[-1]["worker"] != first


def test_back_off_grows_while_a_child_keeps_dying(supervisor: Supervisor, tmp_path: Path) -> None:
    code = "import pathlib, sys, time; pathlib.Path(sys.argv[2] + '.' + sys.argv[1]).touch(); time.sleep(0.2)"
    supervisor.start([service("flaky", tmp_path / "j", code=code)])
    deadline = time.monotonic() + 4.5
    restarted_at: list[float] = []
    supervisor.watch(
        lambda: time.monotonic() > deadline,
        on_restart=lambda: restarted_at.append(time.monotonic()) if supervisor.pids() else None,
    )
    gaps = [later - earlier for earlier, later in pairwise(restarted_at)]
    assert gaps, "it was restarted more than once"
    assert gaps == sorted(gaps), gaps


def test_what_a_dead_child_left_behind_is_ended(supervisor: Supervisor, tmp_path: Path) -> None:
    code = (
        "import pathlib, subprocess, sys, time\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "pathlib.Path(sys.argv[2] + '.pid').write_text(str(left.pid))\n"
        "pathlib.Path(sys.argv[2] + '.' + sys.argv[1]).touch()\n"
        "time.sleep(600)\n"
    )
    supervisor.start([service("master", tmp_path / "j", code=code)])
    worker = int((tmp_path / "j.pid").read_text())
    os.kill(supervisor.pids()["master"], signal.SIGKILL)
    deadline = time.monotonic() + 5
    supervisor.watch(lambda: not runs(worker) or time.monotonic() > deadline)
    assert not runs(worker)


def test_a_child_that_will_not_stop_is_killed_and_named(supervisor: Supervisor, tmp_path: Path) -> None:
    stubborn = SERVE_UNTIL_TERM.replace("    sys.exit(0)\n", "")
    supervisor.start([service("stubborn", tmp_path / "j", code=stubborn)])
    assert supervisor.stop() == ["stubborn"]


def test_who_is_in_a_hurry_does_not_wait_for_a_child(supervisor: Supervisor, tmp_path: Path) -> None:
    stubborn = SERVE_UNTIL_TERM.replace("    sys.exit(0)\n", "")
    patient = replace(service("stubborn", tmp_path / "j", code=stubborn), stop_within_s=60)
    supervisor.start([patient])
    asked_at = time.monotonic()
    assert supervisor.stop(hurried=lambda: time.monotonic() > asked_at + 0.3) == ["stubborn"]
    assert 0.3 < time.monotonic() - asked_at < 10


@pytest.mark.skipif(sys.platform != "linux", reason="the death notice is Linux's")
def test_children_stop_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    program = (
        "import sys, time; from pathlib import Path\n"
        "from embedded.supervisor import Service, Supervisor\n"
        "from telemetry.clock import SystemClock\n"
        "s = Supervisor(logs_dir=Path(sys.argv[1]), show=lambda *_: None, clock=SystemClock())\n"
        "s.start([Service(name='c', command=[sys.executable, '-c', sys.argv[2], 'c', sys.argv[3]],"
        " ready=Path(sys.argv[3] + '.c').exists)])\n"
        "print(s.pids()['c'], flush=True); time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "logs"), SERVE_UNTIL_TERM, str(journal)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    child = next(int(line) for line in parent.stdout if line.strip().isdigit())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not runs(child))
    assert journal.read_text() == "c stopped\n"


def test_a_terminal_that_is_gone_does_not_stop_a_child(tmp_path: Path) -> None:
    def gone(_: str, __: str) -> None:
        raise SystemExit(1)

    supervisor = Supervisor(logs_dir=tmp_path / "logs", show=gone, clock=SystemClock())
    # Far more than a pipe holds: unread, the child would never reach its flag.
    code = (
        "import pathlib, sys, time\n"
        "for n in range(20000): print(n, 'x' * 50, flush=True)\n"
        "pathlib.Path(sys.argv[2] + '.' + sys.argv[1]).touch()\n"
        "time.sleep(60)\n"
    )
    try:
        supervisor.start([service("talker", tmp_path / "j", code=code)])
    finally:
        supervisor.stop()
    assert "19999 x" in (tmp_path / "logs" / "talker.log").read_text()


def test_a_crash_says_why_and_that_it_is_over(
    supervisor: Supervisor, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(process="up", format="json", stream=sys.stderr)
    code = (
        "import pathlib, sys, time\n"
        "flag = pathlib.Path(sys.argv[2] + '.' + sys.argv[1])\n"
        "if flag.exists(): time.sleep(60)\n"
        "flag.touch(); time.sleep(0.3); print('no room left'); sys.exit(7)\n"
    )
    supervisor.start([service("weak", tmp_path / "j", code=code)])
    said = ""

    def over() -> bool:
        nonlocal said
        said += capsys.readouterr().err
        return "child_serves_again" in said

    deadline = time.monotonic() + 10
    supervisor.watch(lambda: over() or time.monotonic() > deadline)
    assert '"how":"exited with 7"' in said
    assert '"last_words":"no room left"' in said
    assert "child_serves_again" in said


def test_a_machine_without_room_for_a_process_is_tried_again(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.start([service("worker", tmp_path / "j")])
    first = supervisor.pids()["worker"]
    os.kill(first, signal.SIGKILL)
    real, refused = subprocess.Popen, []

    def popen(*arguments: Any, **more: Any) -> Any:
        if not refused:
            refused.append(True)
            raise OSError(11, "Resource temporarily unavailable")
        return real(*arguments, **more)

    monkeypatch.setattr(subprocess, "Popen", popen)
    deadline = time.monotonic() + 10
    supervisor.watch(lambda: ("worker" in supervisor.pids() and bool(refused)) or time.monotonic() > deadline)
    assert refused
    assert supervisor.pids()["worker"] != first
