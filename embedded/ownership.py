"""One process owns a directory: a lock the kernel gives back however the owner ends, with its id inside."""

import fcntl
import os
from pathlib import Path
from typing import IO


class Taken(Exception):  # noqa: N818 - a state of the directory
    """Another process owns it; `owner` is its id as it wrote it."""

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


def own(path: Path) -> IO[str]:
    """Hold the lock file `path` until the returned file is closed or this process ends.

    Raises Taken when another process holds it, OSError when the file cannot be had at all.
    """
    file = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise Taken(owner) from None
    file.seek(0)
    file.truncate()
    file.write(str(os.getpid()))
    file.flush()
    return file
