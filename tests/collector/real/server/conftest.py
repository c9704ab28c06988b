"""The collector as a process, started as an operator starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from embedded.ports import free_port

SERVE = """
import sys
from telemetry import logs
from telemetry.errors import OperatorError
from telemetry.settings import load
from ugc_api.serve import serve
from ugc_api.settings import ApiSettings
try:
    settings = load(ApiSettings)
    logs.configure(process="api", format="json")
    serve(settings)
except OperatorError as error:
    sys.exit(str(error))
"""


@dataclass
class RunningApi:
    """A collector in a process of its own, as an operator runs it."""

    process: "subprocess.Popen[str]"
    port: int
    log_file: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ready(self) -> bool:
        """The broker's part of readiness: these tests run without a warehouse."""
        try:
            checks = requests.get(f"{self.url}/health/ready", timeout=5).json()["checks"]
        except requests.RequestException:
            return False
        return bool(checks["broker"]["ready"])

    def wait_ready(self, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not self.ready():
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def stop(self, seconds: float = 15) -> int:
        self.process.terminate()
        return self.process.wait(seconds)

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def start_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., RunningApi]]:
    """Collectors for the tests of one file; whatever of them still runs at the end is killed."""
    tmp_path = tmp_path_factory.mktemp("api")
    started: list[RunningApi] = []

    def start(*, bootstrap: str, wait: bool = True, **settings: Any) -> RunningApi:
        port = settings.pop("api_port", None) or free_port()
        log_file = tmp_path / f"api-{len(started)}.log"
        chosen = {
            "kafka_bootstrap": bootstrap,
            "api_port": port,
            "data_dir": tmp_path,
            # All of them are one sender, and share a data directory.
            "rate_limit_per_minute": 0,
            "warehouse_dsn": f"http://127.0.0.1:{free_port()}/ugc",
            **settings,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("UGC_")}
        environment = inherited | {f"UGC_{name.upper()}": str(value) for name, value in chosen.items()}
        with log_file.open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", SERVE],
                env=environment,
                stderr=log,
                stdout=log,
                text=True,
                cwd=tmp_path,
                start_new_session=True,
            )
        running = RunningApi(process, port, log_file)
        started.append(running)
        if wait:
            running.wait_ready()
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            os.killpg(running.process.pid, signal.SIGKILL)
            running.process.wait()


@pytest.fixture
def unused_port() -> int:
    return free_port()


@pytest.fixture
def hold_open() -> Iterator[Callable[[int], socket.socket]]:
    """Raw connections to a local port, closed at the end."""
    opened: list[socket.socket] = []

    def connect(port: int) -> socket.socket:
        opened.append(socket.create_connection(("127.0.0.1", port), timeout=10))
        return opened[-1]

    yield connect
    for connection in opened:
        connection.close()
