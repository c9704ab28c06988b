"""One folder, one sheet a process: whoever is asked can tell the numbers of all.

A process locks the sheet it writes; the kernel lets go of it when the process ends, however it ends. A
sheet that nobody locks is of a process that is gone: its counts stay true, its gauges say nothing any more,
and the next process goes on with it, so there are never more sheets than there were processes at once.
"""

import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from telemetry.sheet import SHEET_BYTES, Sheet, Words, numbers_in

SHEETS_MAX = 1_024


class SharedSheets:
    """The sheets of a folder, from the process that writes one of them."""

    def __init__(self, folder: Path) -> None:
        """Take a sheet, for as long as this process lives. Raises OSError.

        After the fork: a lock that two processes hold keeps neither from writing.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._own, self._descriptor = _take(folder)
        try:
            _fill(self._descriptor)
            self.mine = Sheet(mmap.mmap(self._descriptor, SHEET_BYTES))
        except BaseException:
            os.close(self._descriptor)
            raise

    def others(self) -> Iterator[tuple[dict[Words, float], bool]]:
        """The numbers of every other sheet, and whether its process still runs."""
        for file in sorted(self._folder.glob("*.sheet")):
            if file != self._own:
                with suppress(OSError):
                    yield _looked_at(file)


def forget(folder: Path) -> None:
    """Begin at nothing again, when no process runs yet. Raises OSError."""
    for file in folder.glob("*.sheet"):
        file.unlink(missing_ok=True)


def _take(folder: Path) -> tuple[Path, int]:
    """The first sheet that nobody has, and the descriptor that holds it."""
    for number in range(SHEETS_MAX):
        file = folder / f"{number}.sheet"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        else:
            return file, descriptor
    raise OSError(f"all {SHEETS_MAX} sheets in {folder} are taken")


def _fill(descriptor: int) -> None:
    """Every byte written before it is mapped: to write into a hole of a file on a full disk is death."""
    missing = SHEET_BYTES - os.fstat(descriptor).st_size
    if missing > 0:
        written = os.pwrite(descriptor, bytes(missing), SHEET_BYTES - missing)
        if written != missing:
            raise OSError("no room for a sheet of metrics")


def _looked_at(file: Path) -> tuple[dict[Words, float], bool]:
    with file.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            runs = True
        else:
            runs = False
        return numbers_in(opened.read()), runs
