"""The ways of putting rows into ClickHouse from Python, as data: what each starts with, and what it sends."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import dataset
from benchmarks.engines import clickhouse_settings
from benchmarks.engines.clickhouse import ClickHouse
from clickhouse.client import classified

Load = Callable[[ClickHouse, Any], None]
COLUMNS: Final = list(dataset.COLUMNS)
TYPES: Final = ["DateTime64(3, 'UTC')", "Int32", "LowCardinality(String)", "Float32"]
ROW: Final = struct.Struct("<qi")
VALUE: Final = struct.Struct("<f")


@dataclass(frozen=True, slots=True)
class Way:
    """`prepare` makes what a program would have at hand, and is not measured; `load` is."""

    name: str
    title: str
    starts_with: str
    prepare: Callable[[pa.Table], Any]
    load: Load


def _python_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*_python_columns(table), strict=True))


def _python_columns(table: pa.Table) -> list[list[Any]]:
    times, *others = (column.to_pylist() for column in table.columns)
    return [[each.replace(tzinfo=UTC) for each in times], *others]


def _columns_of_ticks(table: pa.Table) -> list[list[Any]]:
    return [table.column(0).cast(pa.int64()).to_pylist(), *_python_columns(table.select(COLUMNS))[1:]]


def _numpy_columns(table: pa.Table) -> list[Any]:
    times, *others = table.columns
    # The driver takes no numpy times.
    return [times.cast(pa.int64()).to_pylist(), *(column.to_numpy() for column in others)]


def _documents(table: pa.Table) -> list[dict[str, Any]]:
    times, *others = table.columns
    text = pc.strftime(times, format="%Y-%m-%dT%H:%M:%SZ")
    rows = zip(*(column.to_pylist() for column in (text, *others)), strict=True)
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def _json_lines(table: pa.Table) -> bytes:
    return b"\n".join(map(orjson.dumps, _documents(table)))


def _csv_lines(table: pa.Table) -> bytes:
    return b"".join(dataset.as_csv(batch).to_pybytes() for batch in table.to_batches())


def _tick_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    return list(zip(*_columns_of_ticks(table), strict=True))


def _insert_rows(engine: ClickHouse, rows: Any) -> None:
    with classified():
        engine.client.insert(
            "events",
            rows,
            column_names=COLUMNS,
            column_type_names=TYPES,
            settings=dict(clickhouse_settings.INSERT),
        )


def _insert_columns(engine: ClickHouse, columns: Any) -> None:
    with classified():
        engine.client.insert(
            "events",
            columns,
            column_names=COLUMNS,
            column_type_names=TYPES,
            column_oriented=True,
            settings=dict(clickhouse_settings.INSERT),
        )


def _insert_arrow(engine: ClickHouse, table: Any) -> None:
    with classified():
        engine.client.insert_arrow("events", table, settings=dict(clickhouse_settings.INSERT))


def _insert_documents(engine: ClickHouse, documents: Any) -> None:
    engine.insert_block(b"\n".join(map(orjson.dumps, documents)), "JSONEachRow")


def _insert_json(engine: ClickHouse, lines: Any) -> None:
    engine.insert_block(lines, "JSONEachRow")


def _insert_csv(engine: ClickHouse, lines: Any) -> None:
    engine.insert_block(lines, "CSV")


def _insert_row_binary(engine: ClickHouse, rows: Any) -> None:
    """A string is its length, one byte below 128, and its bytes."""
    pieces: list[bytes] = []
    for ticks, user_id, event_type, value in rows:
        name = event_type.encode()
        pieces += (ROW.pack(ticks, user_id), bytes((len(name),)), name, VALUE.pack(value))
    engine.insert_block(b"".join(pieces), "RowBinary")


WAYS: Final = (
    Way("rows", "Rows, datetime", "tuples with datetime objects", _python_rows, _insert_rows),
    Way("columns", "Columns, datetime", "lists, one with datetime objects", _python_columns, _insert_columns),
    Way("ticks", "Columns, ticks", "lists, times as whole milliseconds", _columns_of_ticks, _insert_columns),
    Way(
        "numpy",
        "Columns, numpy",
        "numpy arrays, times as a list of whole milliseconds",
        _numpy_columns,
        _insert_columns,
    ),
    Way("arrow", "Arrow", "an Arrow table", lambda table: table, _insert_arrow),
    Way(
        "documents",
        "JSONEachRow, dicts",
        "dicts with times as text, which orjson writes",
        _documents,
        _insert_documents,
    ),
    Way("json", "JSONEachRow, bytes", "JSON lines, as the log holds them", _json_lines, _insert_json),
    Way("csv", "CSV", "CSV lines, as a file holds them", _csv_lines, _insert_csv),
    Way("row_binary", "RowBinary", "tuples, packed by struct", _tick_rows, _insert_row_binary),
)
