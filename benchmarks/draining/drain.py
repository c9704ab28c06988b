"""One drain, measured in its middle and checked at its end.

From the first look that finds a tenth of the records stored to the first that finds nine tenths: joining
the group, and waiting to flush the last rows, are no part of a drain's speed on either side. What was
stored between the two looks is counted, so it does not matter where exactly they fall.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from clickhouse_connect.driver.client import Client

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Session
from clickhouse import migrate
from clickhouse.client import connect
from telemetry.settings import DATABASE

LOOK_EVERY_S = 0.1
FROM, TO = 0.1, 0.9
# Fewer looks that found more than before: then a drain is steps, and its speed a matter of luck.
STEPS_MIN = 3
STALLED_S = 60.0
# But for the ledger of migrations.
HOLD_ROWS = """
SELECT name FROM system.tables
WHERE database = {db:String} AND engine LIKE '%MergeTree' AND name != 'schema_versions'
"""


@dataclass(frozen=True, slots=True)
class Drained:
    """One drain: the cost of its middle, per row, and the whole of it from the command to the last row."""

    middle: Cost
    first_row_s: float
    whole_s: float


class Drainer(Protocol):
    """A side: how it begins and ends, which processes take part."""

    name: str

    def begin(self) -> None:
        """Start to drain from the oldest record, as a group nobody has used."""
        ...

    def pids(self) -> Mapping[str, int]:
        """The processes that work, by role, once it has begun."""
        ...

    def require_alive(self) -> None:
        """Raises BenchFailed when a process of it has ended."""
        ...

    def last_words(self) -> str:
        """What it said last, for when it stands still."""
        ...

    def end(self) -> None:
        """Stop draining; safe when it has not begun."""
        ...


class Table:
    """The tables of one warehouse, made by the real migrations, fresh for each drain."""

    def __init__(self, admin_dsn: str) -> None:
        self._dsn = admin_dsn
        self._server: Client | None = None
        self._made = False

    @property
    def server(self) -> Client:
        """A client that names no database of its own: the one it works on comes and goes."""
        if self._server is None:
            self._server = connect(self._dsn.rpartition("/")[0] + "/default")
        return self._server

    def fresh(self) -> None:
        """Empty, as after `ugc migrate` on a new warehouse; it takes seconds, and is done the first time."""
        if self._made:
            self.empty()
            return
        self.server.command(f"DROP DATABASE IF EXISTS {DATABASE} SYNC")
        migrate.apply(self._dsn)
        self._made = True

    def empty(self) -> None:
        """No row is left, no token of an insert, and nothing is being merged in the background."""
        for (name,) in self.server.query(HOLD_ROWS, parameters={"db": DATABASE}).result_rows:
            self.server.command(
                "TRUNCATE TABLE {db:Identifier}.{table:Identifier} SYNC",
                parameters={"db": DATABASE, "table": name},
            )

    def rows(self) -> int:
        """Stored in raw now."""
        return self._number("SELECT count() FROM {db:Identifier}.events_raw")

    def counted(self) -> int:
        """Counted in the aggregate now."""
        return self._number("SELECT countMerge(actions) FROM {db:Identifier}.events_by_quarter_hour")

    def remembered(self) -> int:
        """Ids that would be known again."""
        return self._number("SELECT uniqExact(id) FROM {db:Identifier}.event_ids")

    def distinct(self) -> int:
        """Different ids in raw."""
        return self._number("SELECT uniqExact(event_id) FROM {db:Identifier}.events_raw")

    def _number(self, question: str) -> int:
        return int(str(self.server.command(question, parameters={"db": DATABASE})))


def drain(
    session: Session, side: Drainer, table: Table, *, records: int, steps_min: int = STEPS_MIN
) -> Drained:
    """Let `side` drain `records` into the fresh `table`, measure, check, and leave nothing running.

    Raises Void when a count is wrong, BenchFailed when it stands still or was stored in too few steps.
    """
    clock = session.clock
    began = clock.monotonic()
    try:
        side.begin()
        first = _until(session, side, table.rows, 1)
        first_row_s = clock.monotonic() - began
        _until(session, side, table.rows, FROM * records)
        steps: list[int] = []
        with session.watch(side.pids()) as watch:
            before = table.rows()
            after = _until(session, side, table.rows, TO * records, steps)
        _until(session, side, table.rows, records)
        _until(session, side, table.counted, records)
        whole_s = clock.monotonic() - began
    finally:
        side.end()
    if len(set(steps)) < steps_min:
        raise BenchFailed(
            f"{side.name}: {records} records are too few, they were stored in {len(set(steps))} steps "
            f"after the first {first}; take more"
        )
    for what, found in (
        ("rows in events_raw", table.rows()),
        ("different ids", table.distinct()),
        ("events in the aggregate", table.counted()),
    ):
        session.check(f"{side.name}: {what}, of records in the topic", records, found)
    table.empty()
    return Drained(watch.cost(units=after - before), first_row_s, whole_s)


def _until(
    session: Session, side: Drainer, count: Callable[[], int], wanted: float, steps: list[int] | None = None
) -> int:
    """Look until so many are there; how many then are."""
    clock, moved_at, last = session.clock, session.clock.monotonic(), -1
    while (found := count()) < wanted:
        side.require_alive()
        if found != last:
            last, moved_at = found, clock.monotonic()
            if steps is not None:
                steps.append(found)
        elif clock.monotonic() - moved_at > STALLED_S:
            raise BenchFailed(
                f"{side.name} stands still at {found} of {wanted:.0f} for {STALLED_S:.0f} s: "
                f"{side.last_words()}"
            )
        clock.sleep(LOOK_EVERY_S)
    if steps is not None:
        steps.append(found)
    return found
