"""The file behind the store of answers: opened with its schema, known again, thrown away when damaged.

Several processes have it open. Opening and throwing away happen under one lock, and a process that finds
another file at the path than the one it opened opens anew, so all of them always mean the same file.
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from telemetry.clock import Clock

VERSION = 1
BUSY_S_MAX = 0.1
TURN_RETRIES = 20
TURN_RETRY_S = 0.01
JOURNAL_BYTES_MAX = 8 * 1024 * 1024

# NORMAL: a commit survives the end of any process; a power cut can take the last ones, which is harmless.
OPEN = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    f"PRAGMA journal_size_limit = {JOURNAL_BYTES_MAX}",
)
SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    sealed BLOB NOT NULL,
    kept_at INTEGER NOT NULL
);
PRAGMA user_version = {VERSION};
COMMIT;
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection and which file it is to."""

    db: sqlite3.Connection
    inode: int

    def is_still(self, file: Path) -> bool:
        """Whether the path leads to this very file; another process or a person may have changed that."""
        try:
            return os.stat(file).st_ino == self.inode  # noqa: PTH116 - before every use, and half the price
        except FileNotFoundError:
            return False

    def close(self) -> None:
        with suppress(sqlite3.Error):
            self.db.close()


def open_at(file: Path, *, clock: Clock) -> Opened:
    """Open it, made when there is none, anew when it is of another version. Raises sqlite3.Error, OSError."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _turn(file, clock):
        db = _connected(file)
        try:
            if db.execute("PRAGMA user_version").fetchone()[0] not in (0, VERSION):
                db.close()
                _unlink(file)
                db = _connected(file)
            for statement in OPEN:
                db.execute(statement)
            db.executescript(SCHEMA)
            return Opened(db, file.stat().st_ino)
        except BaseException:
            db.close()
            raise


def discard(file: Path, *, inode: int | None, clock: Clock) -> None:
    """Remove the damaged file; `inode` None: whichever is there. Raises OSError.

    One that another process has put in its place meanwhile stays.
    """
    with _turn(file, clock), suppress(FileNotFoundError):
        if inode is None or file.stat().st_ino == inode:
            _unlink(file)


def bytes_used(db: sqlite3.Connection) -> int:
    """What the rows and their index take of the file."""
    pages, free, page_bytes = (
        int(db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * page_bytes


def _connected(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, timeout=BUSY_S_MAX, isolation_level=None, check_same_thread=False)


def _unlink(file: Path) -> None:
    # All three: a journal that outlives its file would be played into the next one.
    for suffix in ("-wal", "-shm", ""):
        file.with_name(file.name + suffix).unlink(missing_ok=True)


@contextmanager
def _turn(file: Path, clock: Clock) -> Iterator[None]:
    """One process at a time. Raises OSError when it is not our turn soon."""
    with file.with_name(file.name + "-turn").open("ab") as held:
        for attempt in range(TURN_RETRIES):
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == TURN_RETRIES - 1:
                    raise
                clock.sleep(TURN_RETRY_S)
        yield
