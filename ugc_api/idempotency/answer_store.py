"""The first answers, on this host's disk: by name, for 24 hours, the oldest out when there are too many.

`find` and `keep` never wait long and never guess. Whatever is wrong with the disk or the file is `StoreAway`,
and after it nothing is tried for `PAUSE_S`: while the store is away, a request loses microseconds to it.
A damaged file is thrown away and begun anew; an answer that is not exactly what was kept is never given.
"""

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from telemetry.clock import Clock
from ugc_api.idempotency import answer_file
from ugc_api.idempotency.sealing import Kept, seal, unseal

KEEP_S = 24 * 3600
PAUSE_S = 5.0
# How much may be kept before the old is looked through; about 70 answers to single events.
TRIM_EVERY_BYTES = 32 * 1024
ROW_BYTES = 128
DELETED_AT_ONCE_MAX = 2_048
# SQLITE_ERROR: our statements are always the same, so it is the file that has other tables than ours.
DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})

FIND = "SELECT sealed FROM answers WHERE name = ? AND kept_at > ?"
KEEP = "INSERT OR REPLACE INTO answers (name, sealed, kept_at) VALUES (?, ?, ?)"
# Ids grow with time, so the oldest are the lowest, and the number of rows is at most the span of ids.
SPAN = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM answers"
DROP_OLD = "DELETE FROM answers WHERE id < ? AND kept_at <= ?"
DROP_SURPLUS = "DELETE FROM answers WHERE id < ?"

T = TypeVar("T")


class StoreAway(Exception):  # noqa: N818 - a state, not a fault of the program
    """Nothing can be kept or found now; the message says why."""


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """How much may be kept."""

    rows_max: int
    bytes_max: int


class AnswerStore:
    """The answers of this host, seen from one process; make it after the fork."""

    def __init__(self, file: Path, *, limits: StoreLimits, clock: Clock) -> None:
        self._file = file
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self._opened: answer_file.Opened | None = None
        self._pause_until = 0.0
        self._why_away = ""
        self._kept_bytes = 0
        self._log = structlog.get_logger()

    def find(self, name: bytes) -> Kept | None:
        """What was kept under `name` within the last 24 hours. Raises StoreAway."""
        row = self._with(lambda db: db.execute(FIND, (name, self._now_s() - KEEP_S)).fetchone())
        if row is None:
            return None
        kept = unseal(name, row[0])
        if kept is None:
            raise self._damaged("an answer is not as it was kept")
        return kept

    def keep(self, name: bytes, kept: Kept) -> None:
        """Keep it under `name`, also for the other processes and after a restart. Raises StoreAway."""
        sealed = seal(name, kept)
        self._with(lambda db: self._insert(db, name, sealed))

    def close(self) -> None:
        with self._lock:
            self._close()

    def _insert(self, db: sqlite3.Connection, name: bytes, sealed: bytes) -> None:
        db.execute(KEEP, (name, sealed, self._now_s()))
        self._kept_bytes += ROW_BYTES + len(sealed)
        if self._kept_bytes >= TRIM_EVERY_BYTES:
            self._kept_bytes = 0
            self._trim(db)

    def _trim(self, db: sqlite3.Connection) -> None:
        """Out with the expired and with the oldest beyond the limits, a bounded number at a time."""
        oldest, newest = db.execute(SPAN).fetchone()
        db.execute(DROP_OLD, (oldest + DELETED_AT_ONCE_MAX, self._now_s() - KEEP_S))
        rows = newest - oldest + 1
        used = answer_file.bytes_used(db)
        surplus_of_bytes = -(-rows * max(0, used - self._limits.bytes_max) // max(1, used))
        surplus = min(max(rows - self._limits.rows_max, surplus_of_bytes), DELETED_AT_ONCE_MAX)
        if surplus > 0:
            db.execute(DROP_SURPLUS, (oldest + surplus,))

    def _with(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock:
            if self._clock.monotonic() < self._pause_until:
                raise StoreAway(self._why_away)
            try:
                if self._opened is not None and not self._opened.is_still(self._file):
                    self._close()
                if self._opened is None:
                    self._opened = answer_file.open_at(self._file, clock=self._clock)
                    self._why_away = ""
                return work(self._opened.db)
            except (sqlite3.Error, OSError) as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGE:
                    self._discard()
                raise self._away(f"{type(error).__name__}: {error}") from None

    def _damaged(self, why: str) -> StoreAway:
        with self._lock:
            self._discard()
            return self._away(why)

    def _discard(self) -> None:
        inode = self._opened.inode if self._opened is not None else None
        self._close()
        try:
            answer_file.discard(self._file, inode=inode, clock=self._clock)
        except OSError as error:
            self._log.warning("kept_answers_not_discarded", reason=str(error))
        else:
            self._log.warning("kept_answers_discarded", file=self._file.name)

    def _away(self, why: str) -> StoreAway:
        self._close()
        self._pause_until = self._clock.monotonic() + PAUSE_S
        if why != self._why_away:
            self._log.warning("kept_answers_away", reason=why, tried_again_in_s=PAUSE_S)
        self._why_away = why
        return StoreAway(why)

    def _close(self) -> None:
        if self._opened is not None:
            self._opened.close()
        self._opened = None

    def _now_s(self) -> int:
        return int(self._clock.now().timestamp())
