"""Our way: `ugc etl` as a process of its own, started anew for each drain, with a group of its own.

With a `group` it is the same one each time: what is started after a kill goes on where the dead one stopped.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex
from urllib.request import urlopen

from benchmarks.draining.servers import BROKER, Servers
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.stack import ROOT
from embedded.ports import free_port
from embedded.supervisor import TETHER

STOP_WITHIN_S = 30


class Etl:
    """A drainer, set as it comes. `server` is the name of its warehouse."""

    name = "ETL"

    def __init__(
        self, servers: Servers, server: str, *, directory: Path, topic_id: str, group: str = ""
    ) -> None:
        self._servers = servers
        self._server = server
        self._directory = directory
        self._topic_id = topic_id
        self._group = group
        self._metrics_port = 0
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    def begin(self) -> None:
        """Nothing of the person's own settings reaches it."""
        self._metrics_port = free_port()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("UGC_")},
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "UGC_DATA_DIR": str(self._directory / "data"),
            "UGC_KAFKA_BOOTSTRAP": self._servers.bootstrap,
            "UGC_WAREHOUSE_DSN": self._servers.dsn(self._server, "writer"),
            "UGC_ETL_GROUP_ID": self._group or f"etl-{self._topic_id}-{token_hex(4)}",
            "UGC_ETL_METRICS_PORT": str(self._metrics_port),
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
                    *(sys.executable, "-m", "ops", "etl"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=self._directory,
            )

    def pids(self) -> Mapping[str, int]:
        """The ETL, and the warehouse that stores for it."""
        if self._process is None:
            raise BenchFailed("the ETL was not started")
        return {
            BROKER: self._servers.pid(BROKER),
            "etl": self._process.pid,
            "warehouse": self._servers.pid(self._server),
        }

    def require_alive(self) -> None:
        """Its last line says why, where it is not."""
        if self._process is not None and self._process.poll() is not None:
            raise BenchFailed(f"the ETL ended: {self.last_words()}")

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def end(self) -> None:
        """In order, as an operator stops it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """As a machine that loses its power: nothing is finished, nobody is told."""
        process, self._process = self._process, None
        if process is None:
            raise BenchFailed("the ETL was not started")
        process.kill()
        process.wait()

    def partitions(self) -> int:
        """How many partitions it says are its own; 0 while it says nothing."""
        try:
            with urlopen(f"http://127.0.0.1:{self._metrics_port}/metrics", timeout=5) as answer:
                return int(answer.read().count(b"\nugc_etl_lag_events{"))
        except OSError:
            return 0

    @property
    def _log(self) -> Path:
        return self._directory / "etl.log"
