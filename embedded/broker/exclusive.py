"""One process at a time in a directory, and no trace of those that died in it."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SCRATCH_PREFIX = ".scratch-"


@contextmanager
def alone_in(directory: Path) -> Iterator[None]:
    """Hold `directory`, made if it is missing; waits for who holds it now.

    The system frees it when its holder dies, however it dies; what that one left under SCRATCH_PREFIX is
    then nobody's, and is removed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in directory.glob(SCRATCH_PREFIX + "*"):
            shutil.rmtree(left_over, ignore_errors=True)
        yield
