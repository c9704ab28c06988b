"""Columns of properties, as a person is told of them."""

from collections.abc import Iterator

from clickhouse.property_columns import Ensured
from clickhouse.segments.columns import column_of, quoted
from clickhouse.settings import PROPERTY_COLUMNS_MAX
from clickhouse.views import RAW


def told(done: Ensured) -> Iterator[str]:
    """A sentence for each thing that was done, and for each that was not."""
    for key in done.added:
        yield f"properties.{key} has one of its own"
    if done.being_written:
        yield (
            f"{', '.join(done.being_written)}: being written into the events that are stored; segments are "
            "right meanwhile, and fast when it is done"
        )
    for key in done.taken:
        yield f"{is_taken(key)}; until then segments on it read the text"
    for key in done.left_out:
        yield (
            f"properties.{key} gets none: there are {PROPERTY_COLUMNS_MAX} already, and each costs every "
            "insert; drop one that is no longer named"
        )
    for column in done.unnamed:
        yield (
            f"{column} is no longer named in UGC_PROPERTY_COLUMNS, and still costs every insert; to drop it: "
            f"ALTER TABLE {RAW} DROP COLUMN {quoted(column)}"
        )


def is_taken(key: str) -> str:
    """Why a key has no column where there is one of that name, and the way out."""
    return (
        f"{RAW} has a column {column_of(key)} that is not what UGC_PROPERTY_COLUMNS would make of "
        f"properties.{key}: rename or drop it, or leave the key out"
    )
