"""Files that are whole or not there: what stands under the name is complete, whatever went wrong."""

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def binary_file(file: Path) -> Iterator[IO[bytes]]:
    """A file to write bytes to, which gets its name at the end if nothing failed.

    Raises OSError, also where a link or a device has the name: it would be replaced, not written to.
    """
    if is_special(file):
        raise FileExistsError(errno.EEXIST, "it is no regular file", str(file))
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def is_special(file: Path) -> bool:
    """Whether something is there that is neither a file nor a directory: a link, a device, a pipe."""
    return file.is_symlink() or (file.exists() and not file.is_file() and not file.is_dir())


@contextmanager
def text_file(file: Path, *, errors: str = "strict") -> Iterator[IO[str]]:
    """The same for UTF-8, line ends as they are written. `detach` writes out what waits."""
    with binary_file(file) as out:
        text = io.TextIOWrapper(out, "utf-8", errors=errors, newline="")
        try:
            yield text
        finally:
            text.detach()
