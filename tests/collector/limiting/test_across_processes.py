"""One limit for all worker processes: exact between them, and nobody's death or sleep holds the others up."""

import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from telemetry.clock import SystemClock
from ugc_api.limiting import memory
from ugc_api.limiting.buckets import COMPANY, LOCK_WAIT_S_MAX, Buckets
from ugc_api.limiting.quota import quota

NEVER_BACK = quota("address", per_minute=1, burst=3_000)
SETS = 64

WORKER = """
import sys
from pathlib import Path
from telemetry.clock import SystemClock
from ugc_api.limiting import memory
from ugc_api.limiting.buckets import Buckets
from ugc_api.limiting.quota import quota

limit = quota("address", per_minute=1, burst=3_000)
buckets = Buckets(memory.shared_or_own(Path(sys.argv[1]), sets=64), clock=SystemClock())
print("ready", flush=True)
sys.stdin.readline()
print(sum(buckets.take(limit, b"same", 1).allowed for _ in range(int(sys.argv[2]))), flush=True)
"""

HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "collector" / "buckets"


@pytest.fixture
def start() -> Iterator[Start]:
    """Processes that say one word when they are there; killed at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(program: str, *arguments: object) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[3],
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


def opened(path: Path) -> Buckets:
    return Buckets(memory.shared_or_own(path, sets=SETS), clock=SystemClock())


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_worker_processes_together_get_one_bucket(path: Path, start: Start) -> None:
    """Two at the same time: without the lock between them each would forget some of the other's charges."""
    workers = [start(WORKER, path, 2_500) for _ in range(2)]
    assert {said(worker) for worker in workers} == {"ready"}
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    allowed = [int(said(worker)) for worker in workers]
    assert sum(allowed) == NEVER_BACK.burst
    assert not opened(path).take(NEVER_BACK, b"same", 1).allowed, "nor is there more after a restart"


def test_only_one_makes_the_file(path: Path) -> None:
    """Two who made one each would count apart."""
    path.parent.mkdir()
    made: list[memory.Memory] = []
    opening = threading.Thread(target=lambda: made.append(memory.shared_or_own(path, sets=SETS)))
    with path.with_suffix(".lock").open("a") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        opening.start()
        opening.join(0.2)
        assert (made, path.exists()) == ([], False), "who comes second waits for the first"
    opening.join(5)
    assert (len(made), path.exists()) == (1, True)


def took_s(buckets: Buckets) -> float:
    started = time.monotonic()
    assert buckets.take(NEVER_BACK, b"same", 1).allowed
    return time.monotonic() - started


def test_who_is_alone_asks_no_kernel_until_somebody_comes(path: Path, start: Start) -> None:
    buckets = opened(path)
    holder = start(HOLDER, path)
    assert said(holder) == "held"
    assert min(took_s(buckets) for _ in range(5)) < LOCK_WAIT_S_MAX / 2
    opened(path)
    assert took_s(buckets) > LOCK_WAIT_S_MAX / 2, "who was there first hears of it"


def test_who_comes_after_all_are_gone_is_alone(path: Path, start: Start) -> None:
    workers = [start(WORKER, path, 1) for _ in range(2)]
    assert {said(worker) for worker in workers} == {"ready"}
    assert path.read_bytes()[COMPANY] == 1
    for worker in workers:
        worker.kill()
        worker.wait()
    assert memory.shared_or_own(path, sets=SETS).lock_on() is None


def test_a_process_that_dies_with_a_lock_takes_it_along(path: Path, start: Start) -> None:
    buckets, _ = opened(path), opened(path)
    holder = start(HOLDER, path)
    assert said(holder) == "held"
    # While it lives and does nothing, one look waits a bounded time and goes on without the lock.
    assert LOCK_WAIT_S_MAX / 2 < took_s(buckets) < 1
    holder.kill()
    holder.wait()
    assert min(took_s(buckets) for _ in range(5)) < LOCK_WAIT_S_MAX / 2


def test_a_forked_process_shares_what_its_parent_opened(path: Path) -> None:
    buckets = opened(path)
    buckets.take(NEVER_BACK, b"same", 1_000)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if buckets.take(NEVER_BACK, b"same", 1_500).allowed else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not buckets.take(NEVER_BACK, b"same", 501).allowed
    assert buckets.take(NEVER_BACK, b"same", 500).allowed


def test_the_file_is_private_and_holds_no_address(path: Path) -> None:
    opened(path).take(NEVER_BACK, b"acb00712d", 1)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"acb00712d" not in path.read_bytes()
    assert path.stat().st_blocks * 512 >= path.stat().st_size, "every page has its place on the disk"


def test_another_boot_begins_anew(path: Path) -> None:
    """Its clock did: what was written before means nothing."""
    for boot, expected in ((b"one", True), (b"one", False), (b"two", True)):
        buckets = Buckets(memory.shared(path, sets=SETS, boot_id=boot), clock=SystemClock())
        assert buckets.take(NEVER_BACK, b"same", NEVER_BACK.burst).allowed is expected


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, b"not ours" * 2_000, None])
def test_a_file_that_is_not_whole_is_replaced(path: Path, damage: bytes | None) -> None:
    before = opened(path)
    # Cutting off the file of a living process would end it; what is damaged is another file of that name.
    path.unlink()
    if damage is None:
        memory.shared(path, sets=SETS * 2, boot_id=memory.this_boot())
    else:
        path.write_bytes(damage)
    path.with_suffix(".new").write_bytes(b"left behind by one that died")
    after = opened(path)
    assert after.take(NEVER_BACK, b"same", NEVER_BACK.burst).allowed
    assert before.take(NEVER_BACK, b"same", 1).allowed, "who had the old one keeps it"
    assert not opened(path).take(NEVER_BACK, b"same", 1).allowed


def test_without_a_place_for_the_file_events_still_get_in_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where a directory should be")
    with capture_logs() as logs:
        buckets = opened(tmp_path / "data" / "buckets")
    (line,) = logs
    assert (line["event"], line["log_level"]) == ("rate_limits_not_shared", "error")
    assert "UGC_DATA_DIR" in line["what_to_do"]
    assert buckets.take(NEVER_BACK, b"same", NEVER_BACK.burst).allowed
    assert not buckets.take(NEVER_BACK, b"same", 1).allowed


def test_a_full_disk_is_found_at_the_start(path: Path, monkeypatch: Any) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fdopen", full)
    with capture_logs() as logs:
        opened(path)
    assert logs[0]["event"] == "rate_limits_not_shared"
