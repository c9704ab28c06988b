"""The keys of one process, as the file had them a moment ago.

A key made or revoked counts in every process within `LOOK_EVERY_S` and without a restart. A file that cannot
be read any more changes nothing: the last good keys stay, and the log says so. It never lets more in.
"""

import os
from threading import Lock

import structlog

from telemetry.clock import Clock
from telemetry.metrics import Metrics
from ugc_api.access.key_file import KeyFile, KeysFileError
from ugc_api.access.keys import Key

LOOK_EVERY_S = 1.0

# What changes whenever the file is replaced; None while there is none.
_Version = tuple[int, int, int] | None


class KeyRing:
    """Keys that are not revoked, by id. Safe to ask from many threads."""

    def __init__(self, file: KeyFile, *, clock: Clock, metrics: Metrics) -> None:
        self._file = file
        self._clock = clock
        self._readable = metrics.gauge("ugc_keys_readable")
        self._looking = Lock()
        self._version: _Version = None
        self._trouble = ""
        self._keys: dict[str, Key] = {}
        self._origins: frozenset[str] = frozenset()
        self._look_again_at = clock.monotonic() + LOOK_EVERY_S
        self._take_in()

    def get(self, key_id: str) -> Key | None:
        """The key of this id, unless it is unknown or revoked."""
        self._keep_up()
        return self._keys.get(key_id)

    def origins(self) -> frozenset[str]:
        """Every origin that some key names."""
        self._keep_up()
        return self._origins

    def __len__(self) -> int:
        return len(self._keys)

    def _keep_up(self) -> None:
        if self._clock.monotonic() < self._look_again_at:
            return
        # One thread looks; the others go on with what there is.
        if not self._looking.acquire(blocking=False):
            return
        try:
            self._look_again_at = self._clock.monotonic() + LOOK_EVERY_S
            # Of the last good reading: a file that could not be read is tried again at every look.
            if self._on_disk() != self._version:
                self._take_in()
        finally:
            self._looking.release()

    def _on_disk(self) -> _Version:
        try:
            found = os.stat(self._file.path)  # noqa: PTH116 - cheaper, and asked for every second
        except OSError:
            return None
        return found.st_ino, found.st_ctime_ns, found.st_size

    def _take_in(self) -> None:
        # Before the reading: what is replaced in between is read at the next look.
        version = self._on_disk()
        try:
            keys = self._read(version)
        except KeysFileError as error:
            self._complain(str(error))
            return
        self._version, self._trouble = version, ""
        self._readable.set(1)
        self._keys = {key.id: key for key in keys if key.revoked_at is None}
        self._origins = frozenset(origin for key in self._keys.values() for origin in key.pages())
        structlog.get_logger().info("keys_read", keys=len(self._keys))

    def _read(self, version: _Version) -> tuple[Key, ...]:
        if version is None and self._version is not None:
            raise KeysFileError(f"{self._file.path} is gone; restore it (`ugc keys revoke` revokes keys)")
        return self._file.read()

    def _complain(self, trouble: str) -> None:
        """Once for each trouble, not at every look."""
        self._readable.set(0)
        if trouble != self._trouble:
            self._trouble = trouble
            structlog.get_logger().error("keys_not_read", reason=trouble, keys_kept=len(self._keys))
