"""Progress of long work, for whoever watches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ops.terminal import console


@contextmanager
def progress_bar(doing: str, total: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """Progress on standard error, gone at the end; nothing where nobody watches."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = hidden or not console.is_terminal()
    with Progress(*columns, console=console.err(), transient=True, disable=hidden) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda count: progress.advance(task, count)
