"""The check by offsets: each row of a range is there once, in events_raw and in all that its views feed.

Needed after a redo and after a lost answer: an insert is not atomic over tables and days, and a token that
was written down just before a crash drops a redo whose rows are not there. What is missing is put in under
tokens of its own, and looked at again, until nothing is missing:

- rows that events_raw lacks are inserted; which of them the views see is said by a filter on what they read:
  only days that neither side has, or what counts them already would count them again. At first under the
  range's own token: that keeps out the same insert, should it still come from a process that was paused;
- then a target that lacks the range in a day is fed by its view's own SELECT, over just that range and day;
- ids that are missing are written;
- what says the same however often it is told is not looked at: it is told all of the range again.

Rows older than events_raw keeps vanish at the insert, after the views have seen them.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from datetime import date
from uuid import UUID

import orjson

from clickhouse.views import IDS, RAW, REDO, VIEWS, View
from etl.asking import Warehouse
from etl.batch import Batch, Block
from etl.checking import Checker, Missing, Rows, placed
from etl.errors import Fatal
from etl.ports import Mended
from etl.ranges import Range
from etl.rows import COLUMNS

# A mending insert may be torn like any other, and its token burned: each round has tokens of its own.
ROUNDS_MAX = 5

# A topic's id is base64; nothing in it ends a string of SQL.
_SAFE = re.compile(r"[A-Za-z0-9+/=_-]{1,64}")
_ID_MEMBERS = ("kafka_topic_id", "kafka_partition", "kafka_offset", "received_at")
NOT_DEDUPLICATED: Mapping[str, int] = {
    "insert_deduplicate": 0,
    "deduplicate_blocks_in_dependent_materialized_views": 0,
}


def always() -> None:
    """The check of whoever cannot lose what he mends."""


class Mender:
    """Stateless; safe to share between threads."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._checker = Checker(warehouse)

    def mend(self, range_: Range, batch: Batch, *, token: str, check: Callable[[], None] = always) -> Mended:
        """Return when each row of `batch` is in its place everywhere; what had to be put there.

        Raises Retryable when the warehouse does not answer: call again, whatever was done is found. Refused
        as an insert does. Fatal when rows do not stay.
        """
        if not batch.ids:
            return Mended()
        tokens = Tokens(token)
        for each in tokens.all:
            # What is still on its way into the views would be taken for missing, and be there twice.
            self._warehouse.ended(each)
        rows = placed(range_, batch)
        put: Counter[str] = Counter()
        for round_ in range(ROUNDS_MAX + 1):
            missing = self._checker.look(rows)
            if missing.nothing:
                check()
                self._tell_again(batch)
                raw = put.pop(RAW, 0)
                return Mended(raw, dict(put), tuple(sorted(missing.drift)))
            if round_ < ROUNDS_MAX:
                # The most of any round: what a burned token dropped is put once more.
                put |= self._put(rows, missing, tokens, check)
        raise Fatal(
            f"rows of range {range_} are put into {RAW} or what is counted from it and are not there "
            f"afterwards, {ROUNDS_MAX} times over: is somebody deleting them, or a disk failing? "
            "Look at the warehouse's log"
        )

    def _put(self, rows: Rows, missing: Missing, tokens: "Tokens", check: Callable[[], None]) -> Counter[str]:
        """The rows put, by table."""
        put: Counter[str] = Counter()
        if missing.rows:
            check()
            self._insert(rows.batch.only(missing.rows), missing.shown, tokens.next(RAW))
            put[RAW] = len(missing.rows)
        for view, days in missing.days.items():
            check()
            self._feed(view, rows.range, days, tokens.next(view.target))
            put[view.target] = len(rows.of_days(days))
        if missing.ids:
            check()
            self._remember(rows.batch.only(missing.ids), tokens.next(IDS.target))
            put[IDS.target] = len(missing.ids)
        return put

    def _insert(self, batch: Batch, shown: Collection[date], token: str) -> None:
        """Into events_raw, with the views seeing the days `shown` alone."""
        self._warehouse.insert(
            RAW, batch.block(), columns=COLUMNS, token=token, settings=reading_only(in_days(shown))
        )

    def _feed(self, view: View, range_: Range, days: Collection[date], token: str) -> None:
        """Let the view's own SELECT read the range's rows of `days`, into its target."""
        if not _SAFE.fullmatch(range_.topic_id):
            raise Fatal(f"{range_.topic_id[:80]!r} is no topic's id")
        these = (
            f"{in_days(days)} AND kafka_topic_id = '{range_.topic_id}' "
            f"AND kafka_partition = {range_.partition} "
            f"AND kafka_offset BETWEEN {range_.first} AND {range_.last}"
        )
        select, names = self._warehouse.ask("view_definition", view=view.name)[0]
        columns = ", ".join(f"`{name}`" for name in names)
        # One stream, one block: its token is the same whoever repeats it.
        settings = {"max_threads": 1, **reading_only(these)}
        self._warehouse.run(
            f"INSERT INTO `{view.target}` ({columns}) {select}", token=token, settings=settings
        )

    def _tell_again(self, batch: Batch) -> None:
        """Let the views over events_redo see the rows, whatever they or their like have seen before.

        Without deduplication: the parts of a block that was torn must not pass for the whole of it.
        """
        self._warehouse.insert(REDO, batch.block(), columns=COLUMNS, settings=NOT_DEDUPLICATED)

    def _remember(self, batch: Batch, token: str) -> None:
        """As the view does; written and not fed, as events_raw may have dropped the rows by age."""
        lines = [
            orjson.dumps({"id": str(UUID(id_.decode()).int), **_members(line)})
            for id_, line in zip(batch.ids, batch.lines, strict=True)
        ]
        self._warehouse.insert(
            IDS.target, Block([b"\n".join(lines)]), columns=("id", *_ID_MEMBERS), token=token
        )


class Tokens:
    """The names under which a range is mended: into each table the first time the same, whoever does it.

    So of two who mend one range, one after a pause, the warehouse takes what comes first. By round they would
    be others: a target that is fed in the first round here may be fed in the second there.
    """

    def __init__(self, token: str) -> None:
        self._names = {
            RAW: [token, *(f"{token}:mend:{number}" for number in range(1, ROUNDS_MAX))],
            **{
                view.target: [f"{token}:{view.target}:{number}" for number in range(ROUNDS_MAX)]
                for view in VIEWS
                if not view.redone_by
            },
        }
        self._used: Counter[str] = Counter()

    @property
    def all(self) -> list[str]:
        """Every one there may be."""
        return [name for names in self._names.values() for name in names]

    def next(self, table: str) -> str:
        """The next for that table."""
        self._used[table] += 1
        return self._names[table][self._used[table] - 1]


def reading_only(condition: str) -> Mapping[str, str]:
    """The setting under which whatever reads events_raw, a view of an insert too, sees only such rows."""
    quoted = condition.replace("\\", "\\\\").replace("'", "\\'")
    return {"additional_table_filters": f"{{'{RAW}': '{quoted}'}}"}


def in_days(days: Collection[date]) -> str:
    """The condition for rows that happened on `days`, UTC."""
    listed = ", ".join(f"'{day.isoformat()}'" for day in sorted(days))
    return f"toDate(occurred_at) IN ({listed})" if listed else "0"


def _members(line: bytes) -> dict[str, object]:
    row = orjson.loads(line)
    return {name: row[name] for name in _ID_MEMBERS}
