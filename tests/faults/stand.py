"""The product's processes on ports of their own, to be killed, frozen, ended and started again at will.

Whatever is `kept` comes back when it dies, as under the product's own supervisor, but with a short pause
that does not grow: a campaign kills the same process many times in a minute.
"""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import orjson
import ready_made
from clickhouse_connect.driver.client import Client
from services import ROOT, until

from clickhouse.client import WarehouseError, classified, connect
from embedded import passwords, stack
from embedded.ports import free_port
from embedded.stack_settings import StackSettings
from embedded.supervisor import TETHER, Service
from ops.upkeep import topics
from telemetry.clock import SystemClock
from telemetry.settings import load

READY_WITHIN_S = 60
RESTART_PAUSE_S = 0.3
SESSION_MS = 6_000
GRACE_S = 3

ETL_ENVIRONMENT = {
    "UGC_LOG_FORMAT": "json",
    "UGC_ETL_SESSION_TIMEOUT_MS": str(SESSION_MS),
    "UGC_ETL_RETRY_MAX_MS": "500",
    "UGC_FLUSH_INTERVAL_MS": "100",
    "UGC_ETL_CANARY_INTERVAL_MS": "0",
}

# Every copy that a client sends shall reach the log: telling them apart there is what is tried here.
API_ENVIRONMENT = {"UGC_LOG_FORMAT": "json", "UGC_REMEMBERED_IDS_MAX": "0"}


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("UGC_")}


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


class Child:
    """One process of the product. It and all it started share a process group."""

    def __init__(self, service: Service, log: Path) -> None:
        self.service = service
        self.log = log
        self.process: subprocess.Popen[bytes] | None = None
        self.kept = False
        # Exit codes of deaths that nobody asked for: the process ended by itself.
        self.ended_itself: Counter[int] = Counter()
        self._lock = threading.RLock()

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def spawn(self) -> None:
        """Start it, without waiting until it serves."""
        with self._lock, self.log.open("ab") as log:
            self.process = subprocess.Popen(
                # Whoever runs the tests may be killed: nothing of ours outlives it.
                [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *self.service.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment() | dict(self.service.environment),
                cwd=ROOT,
                start_new_session=True,
            )

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        until(self.service.ready, within_s=within_s, what=f"{self.name} serves\n{self.last_words()}")

    def start(self) -> None:
        """Start it and return when it serves."""
        self.spawn()
        self.wait_ready()

    def send(self, number: int, *, group: bool = True) -> None:
        with self._lock:
            if self.runs():
                os.killpg(self.pid, number) if group else os.kill(self.pid, number)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def end(self, number: int = signal.SIGTERM, *, within_s: float = 60) -> int:
        """Send it a signal for good; its exit code."""
        with self._lock:
            self.kept = False
            assert self.process is not None
            process, self.process = self.process, None
            if process.poll() is None:
                os.kill(process.pid, number)
            code = process.wait(within_s)
            _end_group(process.pid)
            return code

    def exit_code(self, within_s: float = READY_WITHIN_S) -> int:
        """Wait until it ends by itself."""
        assert self.process is not None
        code = self.process.wait(within_s)
        _end_group(self.process.pid)
        self.process = None
        return code

    def revive(self, pause_s: float) -> bool:
        """Start it again when it is dead and kept; whether it was."""
        with self._lock:
            if not self.kept or self.process is None or self.process.poll() is None:
                return False
            code = self.process.returncode
            if code >= 0:
                self.ended_itself[code] += 1
            _end_group(self.process.pid)
            time.sleep(pause_s)
            self.spawn()
            return True

    def said(self) -> list[dict[str, Any]]:
        """Its log lines so far that are JSON, over all its lives."""
        found = []
        for line in self.log.read_bytes().splitlines() if self.log.exists() else []:
            try:
                document = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(document, dict):
                found.append(document)
        return found

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2_000:] if self.log.exists() else ""


def _end_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


class Stand:
    """A broker and a warehouse with topics and schema; ETLs and a collector as they are asked for."""

    def __init__(self, directory: Path, *, log_dir: Path | None = None, **settings: Any) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.log_dir = log_dir or directory
        passwords.make_once(directory / "local.env")
        ports = {"kafka_port": free_port(), "warehouse_port": free_port(), "api_port": free_port()}
        self.settings = load(StackSettings, data_dir=directory, **ports, **settings)
        self.children: dict[str, Child] = {}
        self._made = 0
        for service in stack.services(self.settings, clock=SystemClock(), out=io.StringIO()):
            self._add(service)
        self._stopping = threading.Event()
        self._kept: Client | None = None
        self._keeper: threading.Thread | None = None

    @property
    def broker(self) -> Child:
        return self.children["broker"]

    @property
    def warehouse(self) -> Child:
        return self.children["warehouse"]

    def start(self) -> "Stand":
        """Broker, warehouse, topics and schema are there."""
        self.broker.spawn()
        ready_made.warehouse_at(self.directory / "warehouse")
        self.warehouse.spawn()
        self.broker.wait_ready()
        self.warehouse.wait_ready()
        topics.ensure(self.settings.bootstrap(), retention_days=self.settings.topic_retention_days)
        return self

    def etl(self, name: str = "etl", **environment: str) -> Child:
        """A new ETL, not yet started."""
        port = free_port()
        return self._add(
            Service(
                name=name,
                command=[sys.executable, "-m", "ops", "etl"],
                environment=self._addresses()
                | ETL_ENVIRONMENT
                | {"UGC_ETL_METRICS_PORT": str(port)}
                | environment,
                ready=lambda: answers(f"http://127.0.0.1:{port}/health/ready"),
            )
        )

    def collector(self, **environment: str) -> Child:
        """The collector, not yet started."""
        port = self.settings.api_port
        return self._add(
            Service(
                name="collector",
                command=[sys.executable, "-m", "ops", "api"],
                environment=self._addresses() | API_ENVIRONMENT | environment,
                ready=lambda: answers(f"http://127.0.0.1:{port}/health/ready"),
            )
        )

    def keep(self, *children: Child) -> None:
        """From now on these are started again when they die."""
        for child in children:
            child.kept = True
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._watch, daemon=True)
            self._keeper.start()

    def drop_etls(self) -> None:
        """End every ETL and collector; in peace, so that nobody has to wait for their sessions to run out."""
        ending = [
            self.children.pop(name) for name in list(self.children) if name not in ("broker", "warehouse")
        ]
        for child in ending:
            child.kept = False
            child.thaw()
            child.send(signal.SIGTERM, group=False)
        for child in ending:
            if child.process is not None:
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(GRACE_S)
                child.end(signal.SIGKILL)

    def stop(self) -> None:
        """End everything, at once."""
        self._stopping.set()
        if self._keeper is not None:
            self._keeper.join()
        if self._kept is not None:
            self._kept.close()
        for child in reversed(self.children.values()):
            if child.process is not None:
                child.end(signal.SIGKILL)

    def admin(self) -> Client:
        """A client of the warehouse that may do anything; close it."""
        return connect(self.settings.dsn("admin"))

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """What the warehouse answers its admin."""
        kept, self._kept = self._kept, None
        if kept is not None:
            with suppress(WarehouseError), classified():
                return self._asked(kept, statement)
            # It may have been another process then.
            kept.close()
        return self._asked(self.admin(), statement)

    def _asked(self, client: Client, statement: str) -> list[tuple[Any, ...]]:
        """Over a client that stays when all is well: to make one costs more than most questions."""
        rows = [tuple(row) for row in client.query(statement).result_rows]
        self._kept = client
        return rows

    def order(self, statement: str) -> None:
        """Have the warehouse do something, as its admin."""
        client = self.admin()
        try:
            client.command(statement)
        finally:
            client.close()

    def _addresses(self) -> dict[str, str]:
        return {
            "UGC_DATA_DIR": str(self.directory),
            "UGC_KAFKA_PORT": str(self.settings.kafka_port),
            "UGC_WAREHOUSE_PORT": str(self.settings.warehouse_port),
            "UGC_API_PORT": str(self.settings.api_port),
            # All traffic comes from one address.
            "UGC_RATE_LIMIT_PER_MINUTE": "0",
        }

    def _add(self, service: Service) -> Child:
        self._made += 1
        log = self.log_dir / f"{self._made}-{service.name}.log"
        child = self.children[service.name] = Child(service, log)
        return child

    def _watch(self) -> None:
        while not self._stopping.wait(0.05):
            for child in list(self.children.values()):
                child.revive(RESTART_PAUSE_S)


def eventually(ask: Callable[[], Any], *, within_s: float, what: str) -> Any:
    """Like `until`, for questions that may fail for a while: what they ask may be down."""

    def asked() -> Any:
        try:
            return ask()
        except Exception:  # noqa: BLE001 - whatever a service says while it comes back
            return None

    return until(asked, within_s=within_s, what=what)
