"""Make files cold: what the operating system remembers of them is written out and forgotten."""

import os
from pathlib import Path


def forget(directory: Path) -> None:
    """Drop every file below `directory` from the page cache. No process may have them mapped.

    The disk's own cache, and that of a virtual machine's host, are out of reach.
    """
    for path in directory.rglob("*"):
        if path.is_file() and not path.is_symlink():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                # A page that is not written yet would stay.
                os.fsync(descriptor)
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def can_forget() -> bool:
    """Whether this system can be asked to."""
    return hasattr(os, "posix_fadvise")
