"""Files that are whole or not there: what stands under the name is complete, whatever went wrong."""

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def binary_file(file: Path) -> Iterator[IO[bytes]]:
    """A file to write bytes to, which gets its name at the end if nothing failed."""
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


@contextmanager
def text_file(file: Path, *, errors: str = "strict") -> Iterator[IO[str]]:
    """The same for UTF-8, line ends as they are written. `detach` writes out what waits."""
    with binary_file(file) as out:
        text = io.TextIOWrapper(out, "utf-8", errors=errors, newline="")
        try:
            yield text
        finally:
            text.detach()
