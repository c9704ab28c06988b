"""`ugc doctor`: quick when all is down, each thing said once, and what it shows of a stack that runs."""

import json
import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clickhouse.warehouse import Freshness
from embedded import stack_state
from embedded.ports import free_port
from ops.cli import run
from ops.stack.doctor import (
    START_HINT,
    Check,
    Finding,
    Unwell,
    disk,
    etl_state,
    how_fresh,
    run_checks,
    show,
    way_out,
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("API", "KAFKA", "WAREHOUSE", "ETL_METRICS"):
        monkeypatch.setenv(f"UGC_{name}_PORT", str(free_port()))


def examined(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    assert run(["doctor", "--json"]) == 1
    return {each["check"]: each for each in json.loads(capsys.readouterr().out)["checks"]}


def test_with_everything_down_each_thing_is_said_once_and_soon(capsys: pytest.CaptureFixture[str]) -> None:
    started = time.monotonic()
    found = examined(capsys)
    assert time.monotonic() - started < 4
    assert found["disk"]["ok"]
    assert found["warehouse"]["found"].startswith("no stack has run on .ugc; ")
    assert found["broker"]["found"].startswith("nothing listens at 127.0.0.1:")
    assert [name for name, each in found.items() if each["skipped"]] == ["schema", "retention", "freshness"]
    assert found["schema"]["found"] == "skipped: it needs the warehouse"
    assert not any("ugc doctor" in each["found"] for each in found.values())


def test_a_stack_that_ran_here_is_only_not_listening(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".ugc").mkdir()
    (tmp_path / ".ugc" / "local.env").write_text("UGC_READER_PASSWORD=x\n")
    assert examined(capsys)["warehouse"]["found"].startswith("nothing listens at 127.0.0.1:")


def test_an_address_that_was_given_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UGC_WAREHOUSE_DSN", f"http://me:hunter2@127.0.0.1:{free_port()}/ugc")
    monkeypatch.setenv("UGC_KAFKA_BOOTSTRAP", f"127.0.0.1:{free_port()},127.0.0.1:port")
    found = examined(capsys)
    assert found["warehouse"]["found"].endswith("is it up, and is UGC_WAREHOUSE_DSN right?")
    assert "hunter2" not in str(found)
    assert found["broker"]["found"].startswith("UGC_KAFKA_BOOTSTRAP=")


def test_a_warehouse_that_hangs_is_told_soon(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("UGC_WAREHOUSE_DSN", f"http://reader:x@127.0.0.1:{port}/ugc")
        began = time.monotonic()
        found = examined(capsys)["warehouse"]
        assert time.monotonic() - began < 25
    assert not found["ok"]
    assert "answer" in found["found"]


def test_nobody_is_sent_to_where_he_is() -> None:
    def sick() -> str:
        raise Unwell(
            "not ready: log: ok?; it does not answer at http://h:1 (no); is it up? `ugc doctor` looks"
        )

    findings = run_checks(
        {"a": Check(sick), "b": Check(lambda: "fine", needs="a"), "c": Check(lambda: "fine")}
    )
    assert findings == [
        Finding("a", False, "not ready: log: ok?; it does not answer at http://h:1 (no)"),
        Finding("b", False, "skipped: it needs the a", skipped=True),
        Finding("c", True, "fine"),
    ]


def test_the_disk_of_a_directory_not_made_yet(tmp_path: Path) -> None:
    assert disk(tmp_path / "a" / "b" / "c").endswith(f"GiB free at {tmp_path}")


def test_the_etl_says_how_much_waits_for_it(serve: Any) -> None:
    metrics = b'ugc_etl_lag_events{partition="0"} 1200.0\nugc_etl_lag_events{partition="2"} 34.0\n'
    ready = [200, b"{}"]

    def answer(path: bytes) -> tuple[int, dict[str, str], bytes]:
        return (200, {}, metrics) if path == b"/metrics" else (ready[0], {}, ready[1])

    url = serve(answer).url
    assert etl_state(url) == f"ready at {url}; 1,234 messages wait in the log"
    ready[:] = [503, b'{"checks": {"moving": {"ready": false, "message": "stuck"}}}']
    with pytest.raises(Unwell, match=r"^not ready: moving: stuck; 1,234 messages wait in the log$"):
        etl_state(url)
    metrics = b""
    ready[:] = [200, b"{}"]
    assert etl_state(url) == f"ready at {url}"


def test_nobody_who_runs_a_stack_is_told_to_start_one(tmp_path: Path) -> None:
    stack_state.write(tmp_path, stack_state.StackState({"broker": os.getpid()}, 1.0))
    assert way_out(tmp_path, "api") == START_HINT  # the number of a process is used again: this is not its
    environment = {**os.environ, "UGC_DATA_DIR": str(tmp_path)}
    child = [sys.executable, "-c", "print(flush=True); input()"]
    with subprocess.Popen(child, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as broker:
        assert broker.stdout is not None
        broker.stdout.readline()
        stack_state.write(tmp_path, stack_state.StackState({"broker": broker.pid}, 1.0))
        assert str(tmp_path / "logs" / "api.log") in way_out(tmp_path, "api")
        closed = f"http://127.0.0.1:{free_port()}"
        with pytest.raises(Unwell, match=r"Connection refused\); the stack runs .*etl\.log$"):
            etl_state(closed, way_out(tmp_path, "etl"))
        broker.kill()
    assert way_out(tmp_path, "api") == START_HINT


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (timedelta(seconds=12), "12 s"),
        (timedelta(seconds=-1), "0 s"),
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=30), "30 h"),
    ],
)
def test_freshness_is_an_age(age: timedelta, said: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert how_fresh(Freshness(now - age, 0.42), now=now) == (
        f"last event stored {said} ago, 0.4 s after it came"
    )


def test_markup_in_a_finding_is_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    show([Finding("a", False, "says [/red] \\[b]")], {})
    assert "says [/red] \\[b]" in capsys.readouterr().out
