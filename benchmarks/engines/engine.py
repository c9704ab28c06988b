"""What every engine can be asked to do with the owner's table, and how its answers are judged.

An engine works in a database or schema of its own, under a name nobody else uses, and leaves nothing behind.
One that is not here says why; nothing ever stands in for it.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from benchmarks.dataset import Dataset, Totals
from benchmarks.frame.errors import BenchFailed

SQL = Path(__file__).parents[1] / "sql"

Reads = Literal["arrow", "csv"]
Answer = dict[str, tuple[int, float]]


class Unavailable(BenchFailed):
    """The engine is not here; the message is the reason that the report gives."""


class Engine(Protocol):
    """One engine. It is entered before anything else is asked of it but `available`.

    How it does things is said in words that stand beside its figures: `inserts` (its fastest way in),
    `cold` (what is cold before a cold query, and what is not), `settles` and `size_of`.
    """

    # In the keys of figures, and the folder of its SQL.
    name: str
    title: str
    # Which rendering of the table it loads.
    reads: Reads
    # Several processes with common buffers, so that the sum of their memory says too much.
    shares_memory: bool
    inserts: str
    cold: str
    settles: str
    size_of: str

    def available(self) -> str | None:
        """Why it cannot be used here, or None. Starts nothing."""
        ...

    def __enter__(self) -> Self:
        """Start or reach it. Raises Unavailable."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove everything that was made there, and stop what was started."""
        ...

    def version(self) -> str:
        """As it says itself."""
        ...

    def settings(self) -> Mapping[str, str]:
        """What it was set to that a reader needs to judge or repeat the figures."""
        ...

    def pids(self) -> Mapping[str, int]:
        """Its processes, for a Watch; none when they run where nobody here can look at them."""
        ...

    def create(self) -> None:
        """An empty table, in place of whatever the last repetition left."""
        ...

    def insert(self, dataset: Dataset) -> None:
        """Every row of `dataset`, safely stored when this returns."""
        ...

    def settle(self) -> None:
        """Let it do what it does after a load: merge, checkpoint, gather statistics."""
        ...

    def disk_bytes(self) -> int:
        """What the table takes on disk, as the engine compresses it."""
        ...

    def aggregate(self, *, threads: int) -> Answer:
        """The owner's question, with so many threads."""
        ...

    def totals(self) -> dict[str, Totals]:
        """What the table really holds, to be held against the generator's own count."""
        ...

    def execute(self, sql: str) -> None:
        """Any statement of its own dialect."""
        ...

    def chill(self) -> None:
        """Make the next query a cold one; see `cold`."""
        ...


def statement(engine: str, name: str) -> str:
    """The text of `sql/<engine>/<name>.sql`, without its comments."""
    lines = (SQL / engine / f"{name}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).strip().removesuffix(";")


def answer(rows: Any) -> Answer:
    """Rows of the owner's question by event type. A mean is exact but for its last division."""
    return {str(name): (int(count), float(mean)) for name, count, mean in rows}


def totals(rows: Any) -> dict[str, Totals]:
    """Rows of `totals.sql` by event type."""
    return {
        str(name): Totals(
            rows=int(count),
            value_sum=float(value_sum),
            users=int(users),
            user_id_sum=int(user_id_sum),
            time_ms_sum=int(time_ms_sum),
        )
        for name, count, value_sum, users, user_id_sum, time_ms_sum in rows
    }
