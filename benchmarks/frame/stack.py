"""A local stack of a bench's own: fresh data, free ports, run as `ugc up` runs, gone when the bench ends.

with Stack(session.scratch / "stack", clock=session.clock) as stack:
    ...
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.frame.errors import BenchFailed
from embedded import stack_state
from embedded.ports import free_port
from embedded.stack_settings import StackSettings
from embedded.supervisor import TETHER
from telemetry.clock import Clock
from telemetry.settings import LOCAL_ENV_NAME, ROLES, Role, read_dotenv

ROOT = Path(__file__).parents[2]
STOP_MAX_S = 90
PORTS = ("UGC_API_PORT", "UGC_KAFKA_PORT", "UGC_WAREHOUSE_PORT", "UGC_ETL_METRICS_PORT")


class Stack:
    """Broker, warehouse, ETL and collector in `directory`. Raises BenchFailed with the stack's last words.

    Nothing of the person's own settings reaches it, neither from the environment nor from a `.env`: a bench
    never writes to servers somebody uses. `settings` are UGC_ variables this bench wants otherwise.
    """

    def __init__(self, directory: Path, *, clock: Clock, settings: Mapping[str, str] | None = None) -> None:
        self._clock = clock
        self._directory = directory
        self._process: subprocess.Popen[str] | None = None
        # The person's proxy has no business between this machine and itself.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.data_dir = directory / "data"
        self.ports = dict(zip(PORTS, (free_port() for _ in PORTS), strict=True))
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("UGC_")},
            # Run from its own directory, where no `.env` lies, it still finds the code being measured.
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "UGC_DATA_DIR": str(self.data_dir),
            # Everything comes from one address: the limit is asked at every request and never reached.
            "UGC_RATE_LIMIT_PER_MINUTE": "1000000000",
            "UGC_RATE_LIMIT_BURST": "10000000",
            **{name: str(port) for name, port in self.ports.items()},
            **(settings or {}),
        }

    def __enter__(self) -> "Stack":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The collector."""
        return f"http://127.0.0.1:{self.ports['UGC_API_PORT']}"

    @property
    def bootstrap(self) -> str:
        """The broker."""
        return f"127.0.0.1:{self.ports['UGC_KAFKA_PORT']}"

    def dsn(self, role: Role) -> str:
        """The warehouse as `role` reaches it, once the stack has started."""
        return self._settings().dsn(role)

    def pids(self) -> dict[str, int]:
        """The first process of each role: supervisor, broker, warehouse, etl, api. `Watch` finds theirs."""
        process, state = self._process, stack_state.read(self.data_dir)
        if process is None or process.poll() is not None or state is None:
            raise BenchFailed(f"the local stack does not run: {self._last_words()}")
        return {"supervisor": process.pid, **state.pids}

    def start(self) -> float:
        """Run it; seconds from the command to its own word that it is ready."""
        self._directory.mkdir(parents=True, exist_ok=True)
        began = self._clock.monotonic()
        with self._stderr_file.open("a", encoding="utf-8") as stderr:
            self._process = subprocess.Popen(
                # Tethered, it stops by itself even if this process is killed; in a session of its own, a
                # Ctrl-C reaches this process alone, which stops it when its work is put away.
                [
                    *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
                    *(sys.executable, "-m", "ops", "up", "--json"),
                ],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=self.environment,
                cwd=self._directory,
                start_new_session=True,
            )
        line = self._process.stdout.readline() if self._process.stdout else ""
        took_s = self._clock.monotonic() - began
        if "ready_s" not in line:
            self.stop()
            raise BenchFailed(f"the local stack did not start: {_reason(line) or self._last_words()}")
        return took_s

    def stop(self) -> None:
        """End it in order and wait for it; twice is once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()

    def ugc(self, *arguments: str, timeout_s: float = 120) -> str:
        """What another `ugc` command prints against this stack. Raises BenchFailed when it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "ops", *arguments],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self._directory,
            check=False,
            timeout=timeout_s,
        )
        if done.returncode != 0:
            raise BenchFailed(f"ugc {' '.join(arguments)} failed: {_last_line(done.stderr or done.stdout)}")
        return done.stdout

    def http_json(self, path: str, body: bytes | None = None) -> dict[str, Any]:
        """The JSON document at `path`; with a body it is a POST. Raises BenchFailed on any error status."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        request = urllib.request.Request(self.url + path, body, headers)  # noqa: S310 - http, see url
        try:
            with self._opener.open(request, timeout=60) as response:
                return dict(json.load(response))
        except (OSError, ValueError) as error:
            raise BenchFailed(f"{path}: {_what_it_said(error)}") from None

    @property
    def _stderr_file(self) -> Path:
        return self._directory / "up.stderr"

    def _last_words(self) -> str:
        try:
            return _last_line(self._stderr_file.read_text(encoding="utf-8"))
        except OSError:
            return "it printed nothing"

    def _settings(self) -> StackSettings:
        made = read_dotenv(self.data_dir / LOCAL_ENV_NAME)
        values: dict[str, Any] = {
            f"{role}_password": made.get(f"UGC_{role.upper()}_PASSWORD") or "" for role in ROLES
        }
        # Given here, they win over whatever the person's own environment says.
        values |= {"warehouse_dsn": "", "warehouse_port": self.ports["UGC_WAREHOUSE_PORT"]}
        return StackSettings(**values)


def _reason(line: str) -> str:
    """What `ugc up --json` says instead of being ready; nothing when it said nothing of the kind."""
    try:
        return str(json.loads(line)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def _what_it_said(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        with error:
            return f"{error.code} {error.read(500).decode(errors='replace')}"
    return str(error)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it printed nothing"
