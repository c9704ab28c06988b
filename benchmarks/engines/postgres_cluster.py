"""A PostgreSQL cluster of a bench's own, made by what is installed here and gone when the bench ends.

It listens on a socket in its own directory and on no port. A shell holds it: when this process ends, however
it does, the shell's standard input ends and it stops the server.
"""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.engines.engine import Unavailable
from telemetry.clock import Clock

START_MAX_S = 60
STOP_MAX_S = 60
POLL_S = 0.02
# A server refuses to run as root; these users exist where its package does, or everywhere.
USERS = ("postgres", "nobody")
DEBIAN = Path("/usr/lib/postgresql")
HOLD = '"$@" & server=$!; read -r _; kill -INT $server 2>/dev/null; wait $server'
SETTINGS = {
    "shared_buffers": "512MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    # As durable as by default, without what replicas need and without a checkpoint in the middle of a load.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "wal_compression": "on",
}


def binaries() -> Path | None:
    """Where initdb and postgres are: on the path, or where Debian keeps them, newest first."""
    found = shutil.which("initdb")
    places = [Path(found).resolve().parent] if found else []
    if DEBIAN.is_dir():
        versions = [each for each in DEBIAN.iterdir() if each.name.isdigit()]
        places += [each / "bin" for each in sorted(versions, key=lambda each: -int(each.name))]
    return next((p for p in places if (p / "initdb").exists() and (p / "postgres").exists()), None)


class Cluster:
    """One server. Raises Unavailable with its own last words when it cannot be made or started."""

    def __init__(self, directory: Path, bin_dir: Path, *, clock: Clock) -> None:
        self._directory = directory
        self._bin_dir = bin_dir
        self._clock = clock
        self._holder: subprocess.Popen[bytes] | None = None
        self._user = _other_user() if os.geteuid() == 0 else None

    @property
    def data_dir(self) -> Path:
        return self._directory / "data"

    @property
    def dsn(self) -> str:
        return f"host={self._directory} user=bench dbname=postgres"

    @property
    def pid(self) -> int:
        """The server's first process."""
        return int((self.data_dir / "postmaster.pid").read_text(encoding="utf-8").split()[0])

    def make(self) -> None:
        """Create the cluster."""
        self._directory.mkdir(parents=True)
        if self._user:
            # He may pass through the scratch directory on the way to his own, and see nothing there.
            self._directory.parent.chmod(0o711)
            os.chown(self._directory, self._user.pw_uid, self._user.pw_gid)
        options = ("--auth=trust", "--username=bench", "--encoding=UTF8", "--no-locale", "--no-sync")
        done = subprocess.run(
            [str(self._bin_dir / "initdb"), "-D", str(self.data_dir), *options],
            capture_output=True,
            text=True,
            check=False,
            **self._as_user(),
        )
        if done.returncode != 0:
            raise Unavailable(f"initdb failed: {_last_line(done.stderr)}")

    def start(self) -> None:
        """Run it and return when it takes connections."""
        options = [f"-c{name}={value}" for name, value in SETTINGS.items()]
        options += ["-clisten_addresses=", f"-cunix_socket_directories={self._directory}"]
        with self._log.open("wb") as log:
            self._holder = subprocess.Popen(
                [
                    "/bin/sh",
                    "-c",
                    HOLD,
                    "sh",
                    str(self._bin_dir / "postgres"),
                    "-D",
                    str(self.data_dir),
                    *options,
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as_user(),
            )
        deadline = self._clock.monotonic() + START_MAX_S
        while not self._is_ready():
            if self._clock.monotonic() > deadline or "FATAL" in self._log.read_text(encoding="utf-8"):
                self.stop()
                raise Unavailable(f"the server did not start: {self._why()}")
            self._clock.sleep(POLL_S)

    def stop(self) -> None:
        """End it in order and wait for it; twice is once."""
        holder, self._holder = self._holder, None
        if holder is None or holder.stdin is None:
            return
        holder.stdin.close()
        try:
            holder.wait(STOP_MAX_S)
        except subprocess.TimeoutExpired:
            os.killpg(holder.pid, 9)
            holder.wait()

    def remove(self) -> None:
        """Every file of it."""
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self._directory / "server.log"

    def _why(self) -> str:
        lines = self._log.read_text(encoding="utf-8").splitlines()
        return next((line for line in lines if "FATAL" in line), _last_line("\n".join(lines)))

    def _is_ready(self) -> bool:
        try:
            lines = (self.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _as_user(self) -> dict[str, Any]:
        """Popen's arguments for running as the cluster's owner, in a directory he may stand in."""
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": [], "cwd": "/"}


def _other_user() -> pwd.struct_passwd:
    for name in USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable("this is root, as whom no server runs, and there is neither a user postgres nor nobody")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it printed nothing"
