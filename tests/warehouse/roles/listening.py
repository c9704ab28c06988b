"""ClickHouse's own HTTP interface, users and limits, with the files of clickhouse/server as they are.

A library of chDB that can be given clickhouse-local's command line (libchdb.so with `chdb_query_cmdline`; the
wheel has none) starts its listeners. What it is not: an application of the type SERVER.

Run as a script it is that process: LIBRARY CONFIG DATA.
"""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

# What the listeners live for: the statement that began with them.
UNTIL_ENDED = (
    "SYSTEM START LISTEN HTTP; SELECT sum(sleepEachRow(1)) FROM numbers(7200) "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0"
)
CONFIG = """<clickhouse>
    <path>{data}/</path>
    <tmp_path>{data}/tmp/</tmp_path>
    <user_files_path>{data}/user_files/</user_files_path>
    <listen_host>127.0.0.1</listen_host>
    <users_config>users.xml</users_config>
</clickhouse>
"""
# Read after ugc.xml and roles.xml; the latter removes the user that clickhouse-local itself runs as.
PORT = "<clickhouse><http_port>{port}</http_port></clickhouse>"
USERS = """<clickhouse>
    <profiles><default/></profiles><quotas><default/></quotas>
    <users><default>
        <password></password><networks><ip>127.0.0.1</ip></networks>
        <profile>default</profile><quota>default</quota>
    </default></users>
</clickhouse>
"""
# A release before ours wants the comment of a column first; the order means nothing.
CODEC_FIRST = re.compile(r"(CODEC\((?:[^()]|\([^()]*\))*\))(\s+)(COMMENT\s+'(?:[^']|'')*')")


def _listen(library: str, config: str, data: str) -> None:
    engine = ctypes.CDLL(library)
    given = ["clickhouse", f"--config-file={config}", f"--path={data}", f"--query={UNTIL_ENDED}"]
    texts = (ctypes.c_char_p * (len(given) + 1))(*(each.encode() for each in given), None)
    engine.chdb_query_cmdline(len(given), texts)


if __name__ == "__main__":
    _listen(*sys.argv[1:])
    os._exit(0)

from services import ROOT, until  # noqa: E402 - the process above does without

from clickhouse import migrate  # noqa: E402
from embedded.ports import free_port  # noqa: E402
from telemetry.settings import ROLES  # noqa: E402

SERVER = ROOT / "clickhouse" / "server"


class Listening:
    """Such a process, with our schema."""

    def __init__(self, path: Path, library: str) -> None:
        self.user_files = path / "data" / "user_files"
        self._path = path
        self._library = library
        self._port = free_port()
        self._popen: subprocess.Popen[bytes] | None = None

    def dsn(self, role: str) -> str:
        return f"http://{role}:of-{role}@127.0.0.1:{self._port}/ugc"

    def start(self) -> None:
        """Return when it serves and is migrated."""
        self.user_files.mkdir(parents=True)
        for part in ("config.d", "users.d"):
            shutil.copytree(SERVER / part, self._path / part)
        (self._path / "config.xml").write_text(CONFIG.format(data=self._path / "data"))
        (self._path / "config.d" / "zz_port.xml").write_text(PORT.format(port=self._port))
        (self._path / "users.xml").write_text(USERS)
        (self._path / "users.d" / "zz_default.xml").write_text(USERS)
        passwords = {f"UGC_{role.upper()}_PASSWORD": f"of-{role}" for role in ROLES}
        command = [sys.executable, __file__, self._library, "config.xml", str(self._path / "data")]
        with (self._path / "log").open("ab") as log:
            self._popen = subprocess.Popen(
                command, env={**os.environ, **passwords}, cwd=self._path, stdout=log, stderr=log
            )
        until(self._serves, within_s=60, what=f"ClickHouse listens ({self._path / 'log'})")
        self._migrate()

    def kill(self) -> None:
        """End it."""
        if self._popen is not None:
            self._popen.send_signal(signal.SIGKILL)
            self._popen.wait(60)

    def _migrate(self) -> None:
        ours, migrate.MIGRATIONS_DIR = migrate.MIGRATIONS_DIR, self._path / "migrations"
        try:
            migrate.MIGRATIONS_DIR.mkdir()
            for each in ours.glob("*.sql"):
                text = CODEC_FIRST.sub(r"\3\2\1", each.read_text(encoding="utf-8"))
                (migrate.MIGRATIONS_DIR / each.name).write_text(text, encoding="utf-8")
            migrate.apply(self.dsn("admin"))
        finally:
            migrate.MIGRATIONS_DIR = ours

    def _serves(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/ping", timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False
