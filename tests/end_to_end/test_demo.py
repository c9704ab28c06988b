"""`ugc demo` as a person runs it: a month of history by the way of every event, once, and live traffic."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from services import ROOT, LocalStack, http_json, until

from ops.generating.plan import Plan
from ops.generating.writing import generate

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]

EVENTS, USERS = 4_000, 60


@contextmanager
def running(stack: LocalStack) -> Iterator[dict[str, Any]]:
    """A demo that is through with its history; stopped as a person stops it. What it said."""
    stderr_file = stack.data_dir.parent / "demo.stderr"
    with stderr_file.open("a") as stderr:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "ops", "demo", "--json"),
                *("--events", str(EVENTS), "--users", str(USERS), "--rate", "20"),
            ],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            env=stack.environment,
            cwd=ROOT,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        assert line, stderr_file.read_text()
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(90)
        process.stdout.close()
    assert code == 0, stderr_file.read_text()


def known(state: Path) -> dict[date, set[str]]:
    """Users by day of the history that was noted, as the generator makes it again."""
    users: dict[date, set[str]] = {}
    for chunk in generate(Plan(**json.loads(state.read_text())["plan"])):
        for at, user in zip(chunk.occurred_at, chunk.user_ids, strict=True):
            users.setdefault(date.fromisoformat(at[:10].decode()), set()).add(user.decode())
    return users


def stored(stack: LocalStack, *, before: date) -> int:
    return int(stack.query(f"SELECT count() FROM events_raw WHERE occurred_at < '{before}'"))


def test_a_month_is_there_once_and_more_comes_in(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path / "data")
    with running(stack) as said:
        assert said["api"] == stack.url
        users = known(tmp_path / "data" / "demo.json")
        today = max(users)
        whole = sorted(day for day in users if day < today)
        assert len(whole) >= 29
        answer = http_json(f"{stack.url}/stats/dau?from={whole[0]}&to={whole[-1]}")
        found = {date.fromisoformat(each["date"]): each["users"] for each in answer["data"]}
        assert found == {day: len(users[day]) for day in whole}
        # All of it came by the log, each event once though some were sent twice.
        state = json.loads((tmp_path / "data" / "demo.json").read_text())
        assert state["sent"]
        assert int(stack.query("SELECT uniqExact(event_id) - count() FROM events_raw")) == 0
        at_first = stored(stack, before=today)
        since = datetime.now(UTC) - timedelta(minutes=5)
        live = f"SELECT count() FROM events_raw WHERE occurred_at >= '{since:%Y-%m-%d %H:%M:%S}'"
        before = int(stack.query(live))
        until(lambda: int(stack.query(live)) > before + 20, within_s=30, what="live events")
    with running(stack):
        assert stored(stack, before=today) == at_first
    assert "the month of history is there already" in (tmp_path / "demo.stderr").read_text()


def test_a_stack_that_does_not_start_is_one_line(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path / "data")
    stack.environment["UGC_KAFKA_PORT"] = stack.environment["UGC_API_PORT"]
    stack.environment["UGC_DATA_DIR"] = str(tmp_path / "a file" / "data")
    (tmp_path / "a file").write_text("")
    done = stack.ugc("demo", "--json", check=False)
    assert done.returncode == 1
    assert "a file" in json.loads(done.stdout)["error"]["message"]
