"""Make a day's aggregates anew from events_raw, in one step for whoever reads them.

What is counted once is made beside the table and takes the place of the day's partition: a reader sees the
old day or the new one. Rows that arrive in between may be in neither or in both, so the day is compared with
events_raw afterwards, when every insert of that time has ended, and made again if it differs. What may be
told twice is told the day again besides; ids that are missing are added, spans that are too wide are set
right where they stand. Copies of a row are taken out of events_raw itself first: whoever asks it, asks the
same rows that are counted.

Only a day that events_raw holds whole can be made anew: any other would lose by it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import uuid4

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.auditing import QUESTIONS, Auditor, Verdict
from clickhouse.client import classified
from clickhouse.views import ACTIVITY, IDS, QUARTER_HOURS, RAW, RAW_KEPT_DAYS, SPANS, View
from telemetry.clock import Clock
from telemetry.errors import OperatorError

ROUNDS_MAX: Final = 5
INSERTS_END_WITHIN_S: Final = 120.0
LOOK_EVERY_S: Final = 0.2
SETTINGS: Final[dict[str, Any]] = {
    "max_execution_time": 600,
    "insert_deduplicate": 0,
    "max_partitions_per_insert_block": 0,
    "mutations_sync": 2,
}
# What stands beside a table while its day is made. Two who rebuild must not meet in one; what one left that
# was killed is removed by a later one.
BESIDE: Final = "_beside_"
LEFT_AFTER_S: Final = 3_600
# Rows that are taken out at once: where they lie, a change of the table holds in memory.
COPIES_AT_ONCE: Final = 250_000
# Where rows lie.
PLACES: Final = "(part String, place UInt64) ENGINE = MergeTree ORDER BY (part, place)"
# Spans as they should be, found by user: a change of the table looks each row up.
RIGHT_SPANS: Final = """(
    user_id String, is_bot Bool, first_at DateTime64(3, 'UTC'), last_at DateTime64(3, 'UTC'), wide Bool
) ENGINE = Join(ANY, LEFT, user_id, is_bot)"""


class NotRebuilt(OperatorError):  # noqa: N818 - what happened, said to a person
    """The day is as it was, or its tables still differ; the message says which."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild of one day found before and left behind."""

    day: date
    before: list[Verdict]
    after: list[Verdict]
    rounds: int
    copies: int

    @property
    def lost_from_raw(self) -> int:
        """How many rows were counted before that events_raw does not hold: no aggregate has them any more."""
        return sum(each.in_table_alone for each in self.before)


class Rebuilder:
    """Needs the rights of admin. Raises a clickhouse.client error when the warehouse does not answer."""

    def __init__(
        self, client: Client, *, clock: Clock, named: Callable[[], str] = lambda: uuid4().hex[:12]
    ) -> None:
        self._client = client
        self._named = named
        self._clock = clock
        self._auditor = Auditor(client, sleep=clock.sleep)

    def rebuild(self, day: date) -> Rebuilt:
        """Make every aggregate of `day` anew; twice is as once. Raises NotRebuilt when that cannot be."""
        days = self._auditor.days()
        if day not in days:
            held = f"{days[0]} to {days[-1]}" if days else "no day"
            raise NotRebuilt(
                f"{RAW} does not hold {day} whole (it holds {held}): its aggregates are frozen as they are"
            )
        self._tidy()
        before = self._verdicts(day)
        copies = self._take_copies_out(day)
        self._tell(SPANS, day)
        if not self._auditor.look(SPANS.target, day).agrees:
            self._narrow_spans(day)
        if not self._auditor.look(IDS.target, day).agrees:
            self._job("remember_missing_ids", day=day)
        rounds = 0
        while rounds < ROUNDS_MAX:
            rounds += 1
            for view in (QUARTER_HOURS, ACTIVITY):
                self._replace(view, day)
            self._wait_for_inserts()
            # What came while it was replaced.
            self._tell(ACTIVITY, day)
            if self._auditor.table(QUARTER_HOURS.target, day).agrees:
                break
        after = [self._auditor.table(verdict.table, day) for verdict in before]
        if wrong := [verdict for verdict in after if not verdict.agrees]:
            raise NotRebuilt(
                f"made {rounds} times, and still: {wrong[0]}; events of that day keep coming: stop the ETL, "
                "run it again, start the ETL"
            )
        return Rebuilt(day, before, after, rounds, copies)

    def _verdicts(self, day: date) -> list[Verdict]:
        return [self._auditor.look(table, day) for table in QUESTIONS]

    def _take_copies_out(self, day: date) -> int:
        """Leave the first row of each id in events_raw; how many others went."""
        found = left = self._auditor.look(RAW, day)
        in_vain = 0
        # Rows whose part was merged after they were found are found again.
        while not left.agrees and in_vain < ROUNDS_MAX:
            before = left
            with self._beside(RAW, made=PLACES) as beside:
                self._job("find_copies", day=day, into=beside, at_most=COPIES_AT_ONCE)
                self._job("drop_copies", day=day, at=beside)
            left = self._auditor.look(RAW, day)
            in_vain = in_vain + 1 if left.in_raw >= before.in_raw else 0
        return (found.in_raw - found.in_table) - (left.in_raw - left.in_table)

    def _replace(self, view: View, day: date) -> None:
        """The day's partition of the view's target, as its SELECT makes it now, for the one that is there."""
        with self._beside(view.target) as beside:
            self._feed(view, day, into=beside)
            if self._ask("holds_rows", table=beside):
                self._run(f"ALTER TABLE `{view.target}` REPLACE PARTITION '{day}' FROM `{beside}`")
            else:
                self._run(f"ALTER TABLE `{view.target}` DROP PARTITION '{day}'")

    def _tell(self, view: View, day: date) -> None:
        self._feed(view, day, into=view.target)

    def _feed(self, view: View, day: date, *, into: str) -> None:
        """The view's own SELECT over the rows of `day`, into a table of its target's columns."""
        select, names = self._ask("view_definition", view=view.name)[0]
        columns = ", ".join(f"`{name}`" for name in names)
        filters = f"{{'{RAW}': 'toDate(occurred_at) = \\'{day}\\''}}"
        self._run(
            f"INSERT INTO `{into}` ({columns}) {select}",
            additional_table_filters=filters,
        )

    def _narrow_spans(self, day: date) -> None:
        """Put right the spans that begin or end when nothing happened; only their users lack one then."""
        with self._beside(SPANS.target, made=RIGHT_SPANS) as beside:
            self._job("spans_too_wide", day=day, kept_days=RAW_KEPT_DAYS, into=beside)
            # joinGet takes a name as text, and a change of the table is made where no database is chosen.
            place = f"{self._client.database}.{beside}"
            self._job("narrow_spans", of=place)
            # What came meanwhile.
            self._job("tell_spans", of=place)

    @contextmanager
    def _beside(self, table: str, *, made: str = "") -> Iterator[str]:
        """An empty table, gone at the end: of the same columns, parts and settings, or as `made` says."""
        name = f"{table}{BESIDE}{self._named()}"
        self._run(f"CREATE TABLE `{name}` {made or f'AS `{table}`'}")
        try:
            yield name
        finally:
            self._remove(name)

    def _remove(self, beside: str) -> None:
        """The table, and what was begun with it: a change that lost it would stop all that come after it."""
        self._job("end_changes", of=beside)
        self._run(f"DROP TABLE IF EXISTS `{beside}` SYNC")

    def _tidy(self) -> None:
        """Remove what a rebuild left that was killed."""
        for table in (RAW, SPANS.target, QUARTER_HOURS.target, ACTIVITY.target):
            beginning = f"{table}{BESIDE}"
            for (left,) in self._ask("left_beside", beginning=beginning, older_than_s=LEFT_AFTER_S):
                self._remove(left)

    def _wait_for_inserts(self) -> None:
        """Return when every insert has ended that runs now. Raises NotRebuilt when one does not."""
        running = self._inserts()
        give_up_at = self._clock.monotonic() + INSERTS_END_WITHIN_S
        while running := running & self._inserts():
            if self._clock.monotonic() > give_up_at:
                raise NotRebuilt(
                    f"an insert into {RAW} has been running for {INSERTS_END_WITHIN_S:.0f} s; look at the "
                    "warehouse's load, then run it again"
                )
            self._clock.sleep(LOOK_EVERY_S)

    def _inserts(self) -> set[str]:
        return {query_id for (query_id,) in self._ask("inserts_running", table=RAW)}

    def _ask(self, name: str, **parameters: Any) -> list[Any]:
        with classified():
            return list(self._client.query(catalog.query(name).sql, parameters=parameters).result_rows)

    def _job(self, name: str, **parameters: Any) -> None:
        with classified():
            self._client.command(catalog.job(name).sql, parameters=parameters, settings=SETTINGS)

    def _run(self, sql: str, **settings: Any) -> None:
        with classified():
            self._client.command(sql, settings={**SETTINGS, **settings})
