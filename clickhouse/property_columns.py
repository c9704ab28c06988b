"""The columns of properties in a warehouse: which there are, and those that whoever runs it asks for.

A column adds nothing that `properties` does not say, so one may be added at any time, and dropped by hand:
whoever asks meanwhile is answered from the text.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client

from clickhouse import catalog
from clickhouse.client import classified
from clickhouse.segments.columns import PREFIX, SHIPPED, column_of, expression, key_of, quoted
from clickhouse.views import RAW
from telemetry.clock import Clock
from telemetry.errors import OperatorError

LOOK_EVERY_S: Final = 60.0
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


class NameTaken(OperatorError):  # noqa: N818 - what stands in the way
    """Under the name of a column of ours stands another; the message says which, and the way out."""


@dataclass(frozen=True, slots=True)
class Ensured:
    """What was done, by key and by name of a column."""

    added: Sequence[str]
    being_written: Sequence[str]
    unnamed: Sequence[str]


def there(client: Client) -> Set[str]:
    """The names of the columns that there are. Raises one of clickhouse.client's errors."""
    return {name for name, comment in _alike(client).items() if comment == _comment(key_of(name))}


def _alike(client: Client) -> dict[str, str]:
    """By name: what is said of the columns that are called as ours are, and may be somebody else's."""
    with classified():
        rows = client.query(catalog.query("property_columns").sql, parameters={"prefix": PREFIX}).result_rows
    return {name: comment for name, comment in rows}  # noqa: C416 - a row is a sequence


def _comment(key: str) -> str:
    return _COMMENT.format(key=key)


def missing(client: Client, keys: Sequence[str]) -> list[str]:
    """Those of `keys` that have no column. Raises NameTaken when somebody else's is in its place."""
    found = _alike(client)
    for key in keys:
        if (column := column_of(key)) in found and found[column] != _comment(key):
            raise NameTaken(
                f"{RAW} has a column {column} that means something else than properties.{key}: rename it, or "
                "leave the key out of UGC_PROPERTY_COLUMNS"
            )
    return [key for key in keys if column_of(key) not in found]


def ensure(client: Client, keys: Sequence[str]) -> Ensured:
    """Give each of `keys` a column, and have it written into what is stored: that goes on after the return.

    Safe to run again, also after a run that was killed. A column that nobody names any more stays.
    """
    added = missing(client, keys)
    for key in added:
        with classified():
            client.command(
                _ADD.format(
                    table=RAW,
                    column=quoted(column_of(key)),
                    expression=expression(key),
                    comment=_comment(key),
                )
            )
    asked = [column_of(key) for key in keys]
    with classified():
        look = catalog.query("parts_without_columns").sql
        unwritten = [name for (name,) in client.query(look, parameters={"columns": asked}).result_rows]
        for column in unwritten:
            sql = f"ALTER TABLE {RAW} MATERIALIZE COLUMN {quoted(column)}"
            client.command(sql, settings=WITHOUT_WAITING)
    named = {column_of(key) for key in (*SHIPPED, *keys)}
    return Ensured(added, unwritten, sorted(there(client) - named))


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
