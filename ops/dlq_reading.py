"""Open the dead letters' topic and read it through, with a bar for whoever watches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ops import console
from ops.dlq_box import DeadBox, DlqFailed
from ops.dlq_index import Index, Rows
from ops.dlq_options import parsed_id
from telemetry.settings import Settings, load

MISSING_SHOWN_MAX: Final = 5


def opened(*, hidden: bool) -> tuple[DeadBox, Index]:
    """The topic that the settings name, and what lies in it now. Raises DlqFailed when nobody answers."""
    box = DeadBox(load(Settings).bootstrap())
    with progress_bar("reading events.dead", box.records, hidden=hidden) as advance:
        return box, box.index(advance)


@contextmanager
def progress_bar(doing: str, total: int, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """Progress on standard error, gone at the end; nothing where nobody watches."""
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    hidden = hidden or not console.is_terminal()
    with Progress(*columns, console=console.err(), transient=True, disable=hidden) as progress:
        task = progress.add_task(doing, total=total)
        yield lambda count: progress.advance(task, count)


def require_all(ids: Sequence[str], index: Index, rows: Rows) -> None:
    """Raise DlqFailed unless each of `ids` is among `rows`."""
    found = {index.origin(int(row)) for row in rows}
    missing = [each for each in ids if parsed_id(each) not in found]
    if missing:
        more = f" and {len(missing) - MISSING_SHOWN_MAX} more" if len(missing) > MISSING_SHOWN_MAX else ""
        raise DlqFailed(
            f"there is no letter {', '.join(missing[:MISSING_SHOWN_MAX])}{more}: wrong id, or removed "
            "since (settled, or too old); `ugc dlq list --settled` names those that are there"
        )
