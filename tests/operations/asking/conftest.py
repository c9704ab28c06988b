"""One warehouse with the known day for all of them."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import ready_made
from known_day import DAY, EVENTS, ODD_USER, Said, environment
from warehouse_process import Process

from clickhouse.client import connect
from ops.asking.analyst import Analyst, opened
from ops.cli import run
from telemetry.settings import Settings


@pytest.fixture(scope="package")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A warehouse with a known day in it, and odd neighbours on both sides of midnight."""
    process = Process(tmp_path_factory.mktemp("asking") / "warehouse")
    ready_made.warehouse_at(process.path)
    process.start()
    admin = connect(process.dsn("admin"))
    columns = "event_id, occurred_at, user_id, event_type, properties, value, received_at, kafka_topic_id"
    midnight = f"toDateTime64('{DAY} 00:00:00', 3, 'UTC')"
    admin.command(
        f"""INSERT INTO events_raw ({columns}, kafka_offset)
        SELECT generateUUIDv4(), {midnight} + toIntervalMillisecond(at_ms) AS at,
            if(number = 7, {_quoted(ODD_USER)}, concat('user-', toString(number % 100))),
            if(number % 3 = 0, 'click', 'custom.made'),
            '{{"n": ' || toString(number) || ', "text": "a\\\\nb"}}',
            number / 4, at + 1, 'topic', number
        FROM (SELECT number, number * 34560 AS at_ms FROM numbers({EVENTS}))"""
    )
    for at in (f"{DAY - timedelta(days=1)} 23:59:59.999", f"{DAY + timedelta(days=1)} 00:00:00.000"):
        admin.command(
            f"INSERT INTO events_raw ({columns}) SELECT generateUUIDv4(), "
            f"toDateTime64('{at}', 3, 'UTC') AS at, 'neighbour', 'click', '{{}}', 0, at + 1, 't'"
        )
    yield process
    process.kill(signal.SIGTERM)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@pytest.fixture(autouse=True)
def _as_a_person(process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment(process).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def ugc(capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command; its exit code and what it said on both streams."""

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def analyst(process: Process) -> Analyst:
    return opened(Settings(warehouse_port=process.port, analyst_password="of-analyst"), timeout_s=20)
