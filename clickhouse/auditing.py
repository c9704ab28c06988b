"""Do the tables agree? events_raw against everything counted from it, day by day.

Only days that events_raw holds whole: what is older is frozen in the aggregates and has nothing to be held
against. An insert reaches events_raw an instant before the tables its views feed, so a day that differs is
looked at again before it is named.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified
from clickhouse.views import RAW, RAW_KEPT_DAYS, VIEWS

LOOKS_MAX: Final = 4
PAUSE_S: Final = 1.0
# By table: the question that compares it with events_raw.
QUESTIONS: Final = {table: f"audit_{table}" for table in (RAW, *(view.target for view in VIEWS))}
# A day's ids or users may be many; what does not fit into memory goes to disk.
ANSWER_WITHIN_S: Final = 600


@dataclass(frozen=True, slots=True)
class Verdict:
    """One table held against events_raw for one day.

    `in_raw`, `in_table`: what both have of it, in the table's own unit (rows, ids or users). `wrong`: how
    many of those differ; `example`: one of them. `in_table_alone`: how many more rows it counts than
    events_raw has, cell by cell; only the table that counts rows can tell.
    """

    table: str
    day: date
    in_raw: int
    in_table: int
    wrong: int
    example: str
    in_table_alone: int = 0

    @property
    def agrees(self) -> bool:
        """Whether nothing differs."""
        return not self.wrong

    def __str__(self) -> str:
        if self.table == RAW:
            return f"{RAW} {self.day}: {self.wrong:,} ids are there more than once, such as {self.example}"
        return (
            f"{self.table} {self.day}: {self.wrong:,} differ from {RAW} ({self.in_table:,} here, "
            f"{self.in_raw:,} there), such as {self.example}"
        )


@dataclass(frozen=True, slots=True)
class Twice:
    """Ids that more than one record brought."""

    ids: int
    example: str


class Auditor:
    """Changes nothing. Raises a clickhouse.client error when the warehouse does not answer."""

    def __init__(self, client: Client, *, sleep: Callable[[float], None]) -> None:
        self._client = client
        self._sleep = sleep

    def days(self) -> list[date]:
        """The days that can be audited, oldest first."""
        return [day for (day,) in self._ask("audit_days", kept_days=RAW_KEPT_DAYS)]

    def day(self, day: date) -> Iterator[Verdict]:
        """Every table's verdict on `day`."""
        for table in QUESTIONS:
            yield self.table(table, day)

    def table(self, table: str, day: date) -> Verdict:
        """The verdict on one; a difference is one that lasts."""
        verdict = self.look(table, day)
        for _ in range(LOOKS_MAX - 1):
            if verdict.agrees:
                break
            self._sleep(PAUSE_S)
            verdict = self.look(table, day)
        return verdict

    def twice(self) -> Twice:
        """Ids that lie in events_raw twice, or did, whatever day."""
        ids, example = self._ask("audit_ids_twice")[0]
        return Twice(ids, example)

    def look(self, table: str, day: date) -> Verdict:
        """What one look says: of a day into which rows are coming it may be half."""
        return Verdict(table, day, *self._ask(QUESTIONS[table], day=day)[0])

    def _ask(self, name: str, **parameters: Any) -> list[Any]:
        with classified():
            answer = self._client.query(
                catalog.query(name).sql,
                parameters=parameters,
                settings={"max_execution_time": ANSWER_WITHIN_S},
                tz_mode="aware",
            )
        return list(answer.result_rows)
