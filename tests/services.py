"""The real parts that tests start: each on free ports, in a directory of its own."""

import json
import logging
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import structlog

from embedded.ports import free_port
from telemetry.settings import DATABASE, LOCAL_ENV_NAME, read_dotenv

ROOT = Path(__file__).parents[1]


def until(condition: Callable[[], Any], *, within_s: float, what: str) -> Any:
    """Wait for `condition` to be truthy and return its value, or fail saying what did not happen."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        time.sleep(0.05)


def runs(pid: int) -> bool:
    """Whether it does; one that has ended and was not waited for does not, and it may end while we look."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def logging_as_it_was() -> Iterator[None]:
    """A command configures logging for its process; run in this one, that is everybody's, and is put back."""
    root = logging.getLogger()
    handlers, level, shown = list(root.handlers), root.level, warnings.showwarning
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    warnings.showwarning = shown
    structlog.reset_defaults()


class LocalStack:
    """`ugc up` as a person runs it: one process in the foreground, talked to over its public surface."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.api_port = free_port()
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("UGC_")},
            "UGC_DATA_DIR": str(data_dir),
            "UGC_API_PORT": str(self.api_port),
            "UGC_KAFKA_PORT": str(free_port()),
            "UGC_WAREHOUSE_PORT": str(free_port()),
            "UGC_ETL_METRICS_PORT": str(free_port()),
        }
        self.process: subprocess.Popen[str] | None = None
        self.stderr_file = data_dir.parent / "up.stderr"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    def start(self) -> dict[str, Any]:
        """Run it until it is ready, and return what it printed then."""
        with self.stderr_file.open("w") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ops", "up", "--json"],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=self.environment,
                cwd=ROOT,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        said = dict(json.loads(line or "{}"))
        assert "api" in said, f"the stack did not start: {line}{self.stderr_file.read_text()}"
        return said

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        try:
            code = self.process.wait(60)
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None
        return code

    def ugc(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Another `ugc` command against this stack."""
        return subprocess.run(
            [sys.executable, "-m", "ops", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=ROOT,
            check=check,
            timeout=60,
        )

    def post(self, events: list[Mapping[str, Any]]) -> dict[str, Any]:
        """POST /events; the answer's document whatever its status."""
        return http_json(f"{self.url}/events", json.dumps(events).encode())

    def users_today(self) -> int:
        """What /stats/dau says of today."""
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        answer = http_json(f"{self.url}/stats/dau?from={today}&to={today}")
        return int(answer["data"][0]["users"])

    def query(self, sql: str, *, role: str = "analyst", **settings: str) -> str:
        """One statement to the warehouse as `role` makes it, by HTTP."""
        # Read where the stack keeps them: asking `ugc settings` would start a process for every look.
        secrets = read_dotenv(self.data_dir / LOCAL_ENV_NAME)
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.environment['UGC_WAREHOUSE_PORT']}/?"
            + urllib.parse.urlencode({"database": DATABASE, **settings}),
            sql.encode(),
            {"X-ClickHouse-User": role, "X-ClickHouse-Key": secrets[f"UGC_{role.upper()}_PASSWORD"] or ""},
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return str(response.read().decode().strip())

    def pids(self) -> dict[str, int]:
        """The children that run now, by name."""
        return dict(json.loads((self.data_dir / "stack.json").read_text())["pids"])


def http_json(url: str, body: bytes | None = None) -> dict[str, Any]:
    """The JSON document at `url`, of an error too."""
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"} if body else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        with error:
            return dict(json.load(error))


def click(user: str, **changes: Any) -> dict[str, Any]:
    """A good event of now."""
    return {
        "event_id": str(uuid.uuid4()),
        "occurred_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "user_id": user,
        "event_type": "click",
        "properties": {"element": "play"},
        **changes,
    }
