"""Who is at work on which name, over all processes of this host.

A claim is a lock on one byte of a file, at the place the name stands for. The kernel frees it with its
process, so a worker that is killed leaves nothing behind that somebody would have to expire.
"""

import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path

# A file has places for 63 bits. Two names in one place would only make one wait for the other.
PLACE_BITS = 62


class Claims:
    """The claims of one process; make it after the fork."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        # The kernel's locks are between processes; between the threads of this one, the set is.
        self._held: set[int] = set()
        self._descriptor = -1

    def take(self, name: bytes) -> bool:
        """True: ours until `release`. False: somebody is at it. Raises OSError when nobody can know."""
        place = _place(name)
        with self._lock:
            if place in self._held:
                return False
            try:
                fcntl.lockf(self._opened(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):
                return False
            self._held.add(place)
            return True

    def release(self, name: bytes) -> None:
        """Let others have it; never raises."""
        place = _place(name)
        with self._lock:
            self._held.discard(place)
            if self._descriptor < 0:
                return
            with suppress(OSError):
                fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, place)

    def close(self) -> None:
        """Let everything go."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
            self._descriptor = -1
            self._held.clear()

    def _opened(self) -> int:
        # One descriptor for ever: to close any descriptor of this file would let go of every lock in it.
        if self._descriptor < 0:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._descriptor


def _place(name: bytes) -> int:
    return int.from_bytes(name[:8], "big") >> (64 - PLACE_BITS)
