"""A warehouse of a test's own, to be killed and started again on the same data."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

from services import ROOT, until

from embedded.ports import free_port
from telemetry.settings import ROLES


class Process:
    """The embedded warehouse on a directory and a port that stay."""

    def __init__(self, path: Path, *options: str) -> None:
        self.path = path
        self._options = options
        self.port = free_port()
        self.log = path.parent / f"{path.name}.log"
        self.popen: subprocess.Popen[bytes] | None = None

    def dsn(self, role: str) -> str:
        return f"http://{role}:of-{role}@127.0.0.1:{self.port}/ugc"

    def start(self) -> None:
        """Return when it serves."""
        mine = {key: value for key, value in os.environ.items() if not key.startswith("UGC_")}
        passwords = {f"UGC_{role.upper()}_PASSWORD": f"of-{role}" for role in ROLES}
        command = [
            sys.executable,
            "-m",
            "embedded.warehouse",
            "--path",
            str(self.path),
            "--port",
            str(self.port),
            *self._options,
        ]
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                command, env={**mine, **passwords}, cwd=ROOT, stdout=log, stderr=log
            )
        until(self._serves, within_s=30, what=f"the warehouse serves ({self.log})")

    def stop(self) -> None:
        """End it in peace."""
        self.kill(signal.SIGTERM)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it as a crash does, or by another signal."""
        if self.popen is not None:
            self.popen.send_signal(number)
            self.popen.wait(60)
            self.popen = None

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/ping", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False
