"""Progress of a download: a bar on a terminal, four plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

MEGABYTE = 1_000_000


@contextmanager
def transfer(title: str, total_bytes: int, *, out: TextIO) -> Iterator[Callable[[int], None]]:
    """Show how `total_bytes` arrive on `out`; yields the function that counts, safe from any thread."""
    if out.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=Console(file=out)) as bar:
            task = bar.add_task(title, total=total_bytes)
            yield lambda size_bytes: bar.advance(task, size_bytes)
    else:
        yield _Lines(title, total_bytes, out)


class _Lines:
    """A line at each quarter: enough to see that it moves, not a log full of percents."""

    def __init__(self, title: str, total_bytes: int, out: TextIO) -> None:
        self._title = title
        self._total = total_bytes
        self._out = out
        self._lock = Lock()
        self._got = 0
        self._quarters = 0
        self._out.write(f"{title}: {total_bytes / MEGABYTE:.0f} MB to download\n")
        self._out.flush()

    def __call__(self, size_bytes: int) -> None:
        with self._lock:
            self._got += size_bytes
            quarters = 4 * self._got // max(self._total, 1)
            if quarters > self._quarters:
                self._quarters = quarters
                self._out.write(f"{self._title}: {25 * quarters} %\n")
                self._out.flush()
