"""HTTP servers of a bench's own, each a process on a port of its own, writing to the same broker."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, build_opener

import psutil

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.stack import ROOT
from embedded.ports import free_port
from embedded.supervisor import TETHER
from telemetry.clock import Clock

START_WITHIN_S = 30.0
STOP_WITHIN_S = 30.0
LOOK_EVERY_S = 0.05
# Where nobody asks for statistics, no warehouse is started: whoever asked would hear that it is away.
NO_WAREHOUSE = "http://127.0.0.1:9/none"


@dataclass(frozen=True, slots=True)
class Program:
    """What to run, and the address at which it answers 2xx as soon as it serves."""

    name: str
    arguments: tuple[str, ...]
    ready_at: str
    ready_status: int = 200


COLLECTOR = Program("collector", ("-m", "ops", "api"), "/health/live")
# Its routes take POST alone, and it has no other.
BARE = Program("bare", ("-m", "benchmarks.collecting.bare"), "/echo", ready_status=405)


class HttpServer:
    """One of them, from entering to leaving. `settings` are UGC_ variables it is to have otherwise."""

    def __init__(
        self,
        program: Program,
        *,
        bootstrap: str,
        directory: Path,
        clock: Clock,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._program = program
        self._clock = clock
        self._directory = directory
        self.port = free_port()
        # Nothing of the person's own settings reaches it.
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("UGC_")},
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "UGC_DATA_DIR": str(directory / "data"),
            "UGC_KAFKA_BOOTSTRAP": bootstrap,
            "UGC_WAREHOUSE_DSN": NO_WAREHOUSE,
            "UGC_API_PORT": str(self.port),
            "UGC_LOG_FORMAT": "json",
            **(settings or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "HttpServer":
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                # Tethered, it stops by itself even if this process is killed.
                [
                    *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
                    *(sys.executable, *self._program.arguments),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._directory,
            )
        try:
            self._until_ready()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """Of its first process; the workers are below it."""
        if self._process is None:
            raise BenchFailed(f"{self._program.name} does not run")
        return self._process.pid

    def worker_rss_bytes(self) -> int:
        """Memory of its largest process now: the worker's, which the one that started it does not share."""
        below = psutil.Process(self.pid).children(recursive=True)
        return max(int(each.memory_info().rss) for each in below)

    def said(self) -> str:
        """Its log so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.said().strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def _until_ready(self) -> None:
        opener = build_opener(ProxyHandler({}))
        deadline = self._clock.monotonic() + START_WITHIN_S
        while self._clock.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            try:
                with opener.open(
                    f"http://127.0.0.1:{self.port}{self._program.ready_at}", timeout=5
                ) as answer:
                    status = answer.status
            except HTTPError as error:
                with error:
                    status = error.code
            except (URLError, OSError):
                status = 0
            if status == self._program.ready_status:
                return
            self._clock.sleep(LOOK_EVERY_S)
        raise BenchFailed(f"{self._program.name} does not serve: {self.last_words()}")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @property
    def _log(self) -> Path:
        return self._directory / f"{self._program.name}.log"
