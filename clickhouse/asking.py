"""How a question is put to the warehouse: a file of the catalogue, and the parameters it declares."""

from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import blake2b
from typing import Any

from clickhouse_connect.driver.client import Client

from clickhouse import catalog, days, segments
from clickhouse.client import QueryFailed, classified
from clickhouse.day_cache import DayCache, Known, Part, Read, Wanted
from clickhouse.held import Memory, memory_of
from clickhouse.property_columns import Columns
from clickhouse.scope import Scope
from clickhouse.views import Timeline

# Where a file takes segments. What is put in its place is made of fixed text and typed placeholders alone.
SEGMENT = "{segment:Condition}"
UNKNOWN_IDENTIFIER = 47

# The engine tests a row before it reads the rest of it, which pays where few rows pass. Of aggregates whole
# days are read, nearly all rows pass, and it takes a tenth to a fifth of a question's time.
WHOLE_DAYS: Mapping[str, int] = {"optimize_move_to_prewhere": 0}


@dataclass(frozen=True, slots=True)
class Reading:
    """What is read of a table day by day. The name of the question tells it from others of that table.

    `reach`: on so many days after its own a day's rows depend too. `step`: so many days are a period.
    """

    question: Hashable
    table: Timeline
    reach: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody who asks: over a client, which threads may share, within a scope, at a time.

    `read_before`: days that others asked for. `columns`: of properties, which segments read.
    """

    client: Client
    scope: Scope
    now: datetime
    read_before: DayCache
    columns: Columns

    def memory(self, *, raw: bool = False) -> Memory:
        """What is held of the tables that answer: of events_raw with a segment, or when `raw` says so."""
        return memory_of(self.scope.tz, raw=raw or bool(self.scope.segments), now=self.now)

    def rows(self, name: str, **parameters: Any) -> list[Any]:
        """The rows of the question called `name`: with a segment, of its sibling over the events themselves.

        Raises one of clickhouse.client's errors.
        """
        if self.scope.segments:
            return self.rows_of_events(f"{name}_in_segment", **parameters)
        sql = catalog.query(name).sql
        return ask(self.client, sql, settings=WHOLE_DAYS, **parameters, bots=self.scope.bots)

    def rows_of_events(self, name: str, **parameters: Any) -> list[Any]:
        """The rows of a question that takes a segment; without one every event fits."""
        try:
            return self._rows_of_events(name, parameters, self._known_columns())
        except QueryFailed as error:
            if error.code != UNKNOWN_IDENTIFIER or not self.scope.segments:
                raise
            # A column was dropped since we looked; what it said stands in the text.
            self.columns.forget()
            return self._rows_of_events(name, parameters, frozenset())

    def _known_columns(self) -> Set[str]:
        return self.columns.known() if self.scope.segments else frozenset()

    def _rows_of_events(self, name: str, parameters: Mapping[str, Any], columns: Set[str]) -> list[Any]:
        condition, values = segments.condition(self.scope.segments, columns=columns)
        sql = catalog.query(name).sql.replace(SEGMENT, f"({condition})")
        return ask(self.client, sql, **parameters, **values, bots=self.scope.bots)

    def by_day(
        self, reading: Reading, read: Read, first: date, last: date, *, rows_max: int | None = None
    ) -> list[Any]:
        """The rows of the days first..last, `rows_max` at most; read only where their table has changed."""
        wanted = self._wanted(reading, first, last)
        return self.read_before.rows(wanted, read, self._made_of, read_max=rows_max)[:rows_max]

    def known(self, reading: Reading, first: date, last: date) -> Known:
        """What of these days was read before and has not changed."""
        return self.read_before.known(self._wanted(reading, first, last), self._made_of)

    def unread(self, reading: Reading, first: date, last: date) -> list[date]:
        """Which of these days `by_day` would read now."""
        return self.read_before.unread(self._wanted(reading, first, last), self._made_of)

    def told_by(self, first: date, last: date, period_days: int = 1) -> dict[str, Any]:
        """The days as the source takes them: edges for events, marked quarter hours for activity."""
        edges = days.edges(first, last, self.scope.tz)
        if self.scope.segments:
            return {"edges": edges}
        return days.marks(edges, [1 << n // period_days for n in range(len(edges) - 1)])

    def _wanted(self, reading: Reading, first: date, last: date) -> Wanted:
        # Segments may be long, and many: what is kept of them is a name. The columns are in it, so that what
        # was read from one is not kept longer than it is taken for what it was.
        asked = repr((self.scope.segments, sorted(self._known_columns())))
        asked_of = blake2b(asked.encode(), digest_size=16).digest()
        what = (reading.question, asked_of, self.scope.bots)
        edges = days.edges(first, last + reading.reach * days.DAY, self.scope.tz)
        return Wanted(reading.table, what, first, last, edges, reading.reach, reading.step)

    def _made_of(self, table: Timeline, some: Sequence[date]) -> list[Part]:
        sql, partitions = catalog.query("parts_of_days").sql, [day.strftime("%Y%m%d") for day in some]
        found = ask(self.client, sql, table=table.name, at=table.at, partitions=partitions)
        return [Part(name, first_at, last_at + table.lasts_s) for name, first_at, last_at in found]


def ask(client: Client, sql: str, *, settings: Mapping[str, int] = {}, **parameters: Any) -> list[Any]:
    """The rows, asked for with those settings that the role may change.

    Raises one of clickhouse.client's errors.
    """
    with classified():
        result = client.query(
            sql, parameters=parameters, settings=_permitted(client, settings), tz_mode="aware"
        )
    return list(result.result_rows)


def _permitted(client: Client, settings: Mapping[str, int]) -> dict[str, int]:
    """Without them an answer is as right, and slower: a server with roles of its own need not allow them."""
    known = client.server_settings
    return {name: value for name, value in settings.items() if name in known and not known[name].readonly}
