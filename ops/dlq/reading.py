"""Open the dead letters' topic and read it through, with a bar for whoever watches."""

from collections.abc import Sequence
from typing import Final

from ops.dlq.box import DeadBox, DlqFailed
from ops.dlq.index import Index, Rows
from ops.dlq.options import parsed_id
from ops.terminal.progress import progress_bar
from telemetry.settings import Settings, load

MISSING_SHOWN_MAX: Final = 5


def opened(*, hidden: bool) -> tuple[DeadBox, Index]:
    """The topic that the settings name, and what lies in it now. Raises DlqFailed when nobody answers."""
    box = DeadBox(load(Settings).bootstrap())
    with progress_bar("reading events.dead", box.records, hidden=hidden) as advance:
        return box, box.index(advance)


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
