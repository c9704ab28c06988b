"""The embedded warehouse of a bench's own, run as `ugc up` runs it: a free port, a directory, the tether."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from benchmarks.frame.errors import BenchFailed
from embedded import stack
from embedded.ports import free_port
from embedded.stack_settings import StackSettings
from embedded.supervisor import TETHER
from telemetry.clock import Clock
from telemetry.settings import ROLES, Role

POLL_S = 0.02


class Warehouse:
    """One process. Raises BenchFailed with its last words when it does not start."""

    def __init__(self, directory: Path, *, clock: Clock) -> None:
        self._clock = clock
        self._log = directory / "warehouse.log"
        passwords = {f"{role}_password": secrets.token_hex(8) for role in ROLES}
        # Given here, they win over whatever the person's own environment says.
        self._settings = StackSettings(
            data_dir=directory,
            warehouse_port=free_port(),
            warehouse_dsn="",
            warehouse_memory_mb=StackSettings.model_fields["warehouse_memory_mb"].default,
            kafka_bootstrap="none:0",
            **passwords,  # type: ignore[arg-type]
        )
        self.data_dir = directory / "warehouse"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise BenchFailed("the warehouse does not run; start it first")
        return self._process.pid

    @property
    def memory_mb(self) -> int:
        return self._settings.warehouse_memory_mb

    def dsn(self, role: Role) -> str:
        return self._settings.dsn(role)

    def start(self) -> None:
        """Run it and return when it serves."""
        (service,) = stack.services(self._settings, clock=self._clock, out=sys.stderr)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("a", encoding="utf-8") as log:
            self._process = process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *service.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **service.environment},
                start_new_session=True,
            )
        deadline = self._clock.monotonic() + service.ready_within_s
        while not service.ready():
            if process.poll() is not None or self._clock.monotonic() > deadline:
                self.stop()
                raise BenchFailed(f"the embedded warehouse did not start: {self._last_words()}")
            self._clock.sleep(POLL_S)

    def stop(self) -> None:
        """End it in order and wait for it; twice is once."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(stack.WAREHOUSE_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        return lines[-1] if lines else "it printed nothing"
