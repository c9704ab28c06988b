"""The spine: an event goes in over HTTP and comes out counted, whatever dies on the way."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from services import LocalStack, click, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    made = LocalStack(tmp_path_factory.mktemp("stack") / "data")
    made.start()
    yield made
    if made.process is not None:
        made.stop()


def counted(stack: LocalStack) -> dict[str, int]:
    """What raw and the aggregate each say: rows, different ids, actions."""
    rows, ids = stack.query("SELECT count(), uniqExact(event_id) FROM events_raw").split("\t")
    actions = stack.query("SELECT countMerge(actions) FROM events_by_quarter_hour")
    return {"rows": int(rows), "ids": int(ids), "actions": int(actions)}


def same(number: int) -> dict[str, int]:
    return {"rows": number, "ids": number, "actions": number}


def answered_again(stack: LocalStack, events: list[Any]) -> dict[str, Any]:
    """Send as a client does: the same request again until the collector says yes."""

    def attempt() -> dict[str, Any] | None:
        try:
            answer = stack.post(events)
        except OSError:
            return None
        return answer if "accepted" in answer else None

    return dict(until(attempt, within_s=60, what="the collector takes events again"))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what a process has loaded")
def test_nothing_that_stays_has_loaded_pandas(stack: LocalStack) -> None:
    """One careless import makes a process half as large again, and nobody notices."""
    assert stack.process is not None
    for pid in (stack.process.pid, *stack.pids().values()):
        assert "pandas" not in Path(f"/proc/{pid}/maps").read_text()


def test_one_event_is_counted(stack: LocalStack) -> None:
    answer = stack.post([click("alice")])
    assert (answer["accepted"], answer["rejected"]) == (1, 0)
    until(lambda: stack.users_today() == 1, within_s=10, what="alice is counted")
    assert counted(stack) == same(1)


def test_the_same_event_again_counts_once(stack: LocalStack) -> None:
    event = click("bob")
    for _ in range(3):
        assert stack.post([event])["results"][0]["status"] in {"accepted", "duplicate"}
    until(lambda: stack.users_today() == 2, within_s=10, what="bob is counted")
    stack.post([click("bob")])
    # Raw may be seen a moment before what is counted from it.
    until(lambda: counted(stack) == same(3), within_s=10, what="bob's second event is stored")


@pytest.mark.parametrize("victim", ["broker", "warehouse", "etl", "api"])
def test_a_killed_process_comes_back_and_nothing_is_lost_or_doubled(stack: LocalStack, victim: str) -> None:
    before = counted(stack)["rows"]
    killed = stack.pids()[victim]
    os.kill(killed, signal.SIGKILL)
    events = [click(f"user-{victim}-{number}") for number in range(20)]
    answered_again(stack, events)
    until(lambda: stack.pids().get(victim) not in (None, killed), within_s=60, what=f"{victim} is back")
    until(
        lambda: _counted_or_nothing(stack) == same(before + 20),
        within_s=60,
        what="the events are stored once",
    )
    # What a killed server left behind may have answered; the one that was started after it is what counts.
    until(lambda: serves_again(stack, victim), within_s=60, what=f"the new {victim} serves")


def serves_again(stack: LocalStack, child: str) -> bool:
    """The supervisor said of its child that it is started again and serves."""
    said = [line for line in stack.stderr_file.read_text().splitlines() if "child_serves_again" in line]
    return any(f"child={child}" in line or f'"child":"{child}"' in line for line in said)


def _counted_or_nothing(stack: LocalStack) -> dict[str, int]:
    try:
        return counted(stack)
    except OSError:
        return {}


def test_the_doctor_finds_it_well(stack: LocalStack) -> None:
    found = stack.ugc("doctor", "--json", check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_a_second_stack_on_the_same_data_is_refused(stack: LocalStack) -> None:
    refused = stack.ugc("up", check=False)
    assert refused.returncode == 1
    assert "a stack already runs" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_stopped_and_started_again_it_goes_on(stack: LocalStack) -> None:
    before = counted(stack)
    users = stack.users_today()
    event = click("carol")
    assert stack.post([event])["accepted"] == 1
    assert stack.stop(signal.SIGINT) == 0
    stack.start()
    until(lambda: stack.users_today() == users + 1, within_s=10, what="carol is counted after the restart")
    stack.post([event])
    stack.post([click("carol")])
    until(lambda: counted(stack) == same(before["rows"] + 2), within_s=10, what="only the new event is added")


def test_a_killed_supervisor_takes_its_children_with_it_and_the_next_start_works(stack: LocalStack) -> None:
    before = counted(stack)
    assert stack.process is not None
    stack.process.kill()
    stack.process.wait()
    assert stack.process.stdout is not None
    stack.process.stdout.close()
    stack.start()
    assert counted(stack) == before
    assert stack.stop() == 0


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path / "data")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", stack.api_port))
        taken.listen()
        refused = stack.ugc("up", check=False)
    assert refused.returncode == 1
    assert "UGC_API_PORT" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
