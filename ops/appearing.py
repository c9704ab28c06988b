"""Files that are whole or not there: what stands under the name is complete, whatever went wrong on the way."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

OutT = TypeVar("OutT", bound=IO[Any])


@contextmanager
def binary_file(file: Path) -> Iterator[IO[bytes]]:
    """A file to write bytes to, which gets its name at the end if nothing failed, and replaces what had it."""
    with _appearing(file, lambda handle: os.fdopen(handle, "wb")) as out:
        yield out


@contextmanager
def text_file(file: Path, *, errors: str = "strict") -> Iterator[IO[str]]:
    """The same for UTF-8, line ends as they are written."""
    with _appearing(
        file, lambda handle: os.fdopen(handle, "w", encoding="utf-8", errors=errors, newline="")
    ) as out:
        yield out


@contextmanager
def _appearing(file: Path, opened: Callable[[int], OutT]) -> Iterator[OutT]:
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    unfinished = Path(name)
    try:
        with opened(handle) as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
