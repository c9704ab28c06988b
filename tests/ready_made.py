"""A warehouse's directory with the whole schema, migrated once a run and copied for whoever starts one.

To migrate takes seconds of CPU, as often as a test wants a warehouse of its own; that it works from nothing
is what making the first one shows, and tests/end_to_end/test_first_event.py.
"""

import atexit
import fcntl
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

from warehouse_process import Process

from clickhouse import migrate

# Where it is made; the processes of a run find it in their environment.
PLACE = "TESTS_READY_MADE"


def share() -> None:
    """Who is started from now on uses what this process or another of them makes; gone when this one ends."""
    if PLACE not in os.environ:
        place = tempfile.mkdtemp(prefix="ready-made-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        os.environ[PLACE] = place


def warehouse_at(path: Path) -> None:
    """Put one at `path`, where nothing is yet; its process is not started."""
    shutil.copytree(_warehouse(), path, ignore=_not_copied)


@cache
def _warehouse() -> Path:
    share()
    place = Path(os.environ[PLACE])
    ready = place / "ready" / "warehouse"
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            process = Process(place / "making" / "warehouse")
            shutil.rmtree(process.path.parent, ignore_errors=True)
            process.path.parent.mkdir()
            process.start()
            migrate.apply(process.dsn("admin"))
            process.stop()
            process.path.parent.rename(ready.parent)
    return ready


def _not_copied(folder: str, names: list[str]) -> list[str]:
    """The engine's links to its own files, which name the place they are in; it makes them anew."""
    return [name for name in names if os.path.islink(os.path.join(folder, name))]  # noqa: PTH114, PTH118
