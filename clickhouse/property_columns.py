"""The columns of properties in a warehouse: which there are, and those that whoever runs it asks for.

A column adds nothing that `properties` does not say, so one may be added at any time, and dropped by hand:
whoever asks meanwhile is answered from the text.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified
from clickhouse.segments.columns import PREFIX, SHIPPED, column_of, expression, quoted
from clickhouse.settings import PROPERTY_COLUMNS_MAX
from clickhouse.views import RAW
from telemetry.clock import Clock

LOOK_EVERY_S: Final = 60.0
# In place of a key, and none.
KEY_MARK: Final = "<key>"
# Of a large table it takes minutes. The embedded engine waits for it by default.
WITHOUT_WAITING: Final = {"mutations_sync": 0}
# Cut like those that migrations made. Few values repeat in most properties that people choose events by.
_ADD: Final = """ALTER TABLE {table}
    ADD COLUMN IF NOT EXISTS {column} LowCardinality(String)
        MATERIALIZED {expression}
        CODEC(ZSTD(1))
        COMMENT '{comment}'"""
_COMMENT: Final = (
    "properties.{key} as JSON, with numbers in one spelling; empty when there is none. "
    "What segments on it read."
)


@dataclass(frozen=True, slots=True)
class Found:
    """What `there` is of the columns that are asked for, by key: `taken` is the name by another column."""

    missing: Sequence[str]
    taken: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ensured:
    """What was done, by key and by name of a column.

    `taken`: keys whose column's name another column has. `left_out`: keys that would be one column too many.
    """

    added: Sequence[str]
    being_written: Sequence[str]
    unnamed: Sequence[str]
    taken: Sequence[str]
    left_out: Sequence[str]


def there(client: Client) -> Set[str]:
    """The names of the columns that there are. Raises one of clickhouse.client's errors."""
    return {name for name, is_ours in _alike(client).items() if is_ours}


def _alike(client: Client) -> dict[str, bool]:
    """The columns that are called as ours are; whether they are ours their definition tells."""
    asked = {"prefix": PREFIX, "expression": expression(KEY_MARK), "mark": KEY_MARK}
    with classified():
        rows = client.query(catalog.query("property_columns").sql, parameters=asked).result_rows
    return {name: bool(is_ours) for name, is_ours in rows}


def look(client: Client, keys: Sequence[str]) -> Found:
    """Which of `keys` have no column. Raises one of clickhouse.client's errors."""
    return _find(_alike(client), keys)


def _find(alike: Mapping[str, bool], keys: Sequence[str]) -> Found:
    return Found(
        missing=[key for key in keys if column_of(key) not in alike],
        taken=[key for key in keys if alike.get(column_of(key)) is False],
    )


def ensure(client: Client, keys: Sequence[str]) -> Ensured:
    """Give each of `keys` a column, and have it written into what is stored: that goes on after the return.

    Safe to run again, also after a run that was killed. A column that nobody names any more stays, and takes
    one of the places that there are.
    """
    before = _alike(client)
    found = _find(before, keys)
    shipped = {column_of(key) for key in SHIPPED}
    room = max(
        0, PROPERTY_COLUMNS_MAX - sum(is_ours for name, is_ours in before.items() if name not in shipped)
    )
    added, left_out = found.missing[:room], found.missing[room:]
    for key in added:
        with classified():
            client.command(
                _ADD.format(
                    table=RAW,
                    column=quoted(column_of(key)),
                    expression=expression(key),
                    comment=_COMMENT.format(key=key),
                )
            )
    ours = there(client)
    asked = {
        "columns": sorted({column_of(key) for key in keys} & ours),
        "added": [column_of(key) for key in added],
    }
    with classified():
        without = catalog.query("parts_without_columns").sql
        unwritten = [name for (name,) in client.query(without, parameters=asked).result_rows]
        for column in unwritten:
            sql = f"ALTER TABLE {RAW} MATERIALIZE COLUMN {quoted(column)}"
            client.command(sql, settings=WITHOUT_WAITING)
    unnamed = ours - shipped - {column_of(key) for key in keys}
    return Ensured(added, unwritten, sorted(unnamed), found.taken, left_out)


class Columns:
    """Which there are, asked again after a minute: until then one that came is not read, and means the same.

    Threads may share it.
    """

    def __init__(self, client: Client, *, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._known: tuple[float, Set[str]] | None = None

    def known(self) -> Set[str]:
        """Raises one of clickhouse.client's errors when the warehouse must be asked and does not answer."""
        known, now_s = self._known, self._clock.monotonic()
        if known is None or now_s - known[0] >= LOOK_EVERY_S:
            self._known = known = (now_s, there(self._client))
        return known[1]

    def forget(self) -> None:
        """One of them is not there any more."""
        self._known = None
