"""The table of the storage benches, out of a seed: the same rows and the same bytes for every engine.

    events(event_time TIMESTAMP, user_id INT, event_type VARCHAR(20), value FLOAT)

A row depends on the seed and its number alone, so a smaller table is the beginning of a larger one, on every
machine and with every version of every package. It is rendered once, as Arrow and as CSV, and each engine
reads those files. Nobody holds more than one chunk of it.

The generator counts what it makes. `value` is a multiple of a quarter below 256, so that every sum of it is
exact in a float of any size, in any order, and a right engine gives the generator's very numbers.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

COLUMNS = ("event_time", "user_id", "event_type", "value")
CHUNK_ROWS = 500_000
BEGINS_AT = datetime(2026, 1, 1, tzinfo=UTC)
# 10,000,000 rows fill 30 days. They come in the order of their times, give or take the jitter.
STEP_MS = 259
JITTER_BITS = 14
USERS = 100_000
VALUE_BITS = 10
# Names of at most 20 characters, with how many of 256 events are of each.
TYPE_SHARES: Mapping[str, int] = {
    "page_view": 96,
    "click": 80,
    "video_completed": 24,
    "quality_changed": 20,
    "search_filter": 16,
    "purchase": 12,
    "login": 6,
    "playlist.shared": 2,
}
TYPES = tuple(TYPE_SHARES)

_BEGINS_AT_MS = int(BEGINS_AT.timestamp()) * 1000
_GOLDEN = 0x9E3779B97F4A7C15
_MASK = 2**64 - 1
_Words = npt.NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Totals:
    """What is true of all rows of one event type. Sums over times count from the table's beginning."""

    rows: int
    value_sum: float
    users: int
    user_id_sum: int
    time_ms_sum: int

    @property
    def value_avg(self) -> float:
        return self.value_sum / self.rows


@dataclass(frozen=True, slots=True)
class Dataset:
    """The rendered table: its files, chunk by chunk in order, and what the generator knows of it."""

    seed: int
    rows: int
    totals: Mapping[str, Totals]
    arrow: tuple[Path, ...]
    csv: tuple[Path, ...]
    arrow_bytes: int
    csv_bytes: int
    arrow_sha256: str
    csv_sha256: str

    def answer(self) -> dict[str, tuple[int, float]]:
        """What the owner's query says of it: by event type the number of rows and the mean value."""
        return {name: (each.rows, each.value_avg) for name, each in self.totals.items()}

    def about(self) -> dict[str, str]:
        """What a reader needs to judge or repeat it."""
        return {
            "data, seed": str(self.seed),
            "data, rows": f"{self.rows:,} in chunks of {CHUNK_ROWS:,}",
            "data, users and event types": f"{USERS:,} and {len(TYPES)}",
            "data, Arrow": f"{self.arrow_bytes:,} bytes, sha256 {self.arrow_sha256}",
            "data, CSV": f"{self.csv_bytes:,} bytes, sha256 {self.csv_sha256}",
        }


def make(directory: Path, *, seed: int, rows: int, text: bool = True) -> Dataset:
    """Render `rows` of the table into files in `directory`; without `text` as Arrow alone."""
    directory.mkdir(parents=True, exist_ok=True)
    count, arrow, lines = Count(), _Files(directory, "arrow"), _Files(directory, "csv")
    for chunk in chunks(seed=seed, rows=rows):
        count.add(chunk)
        arrow.add(as_arrow(chunk))
        if text:
            lines.add(as_csv(chunk))
    return Dataset(
        seed=seed,
        rows=rows,
        totals=count.totals(),
        arrow=tuple(arrow.paths),
        csv=tuple(lines.paths),
        arrow_bytes=arrow.size,
        csv_bytes=lines.size,
        arrow_sha256=arrow.digest.hexdigest(),
        csv_sha256=lines.digest.hexdigest(),
    )


def chunks(*, seed: int, rows: int, chunk_rows: int = CHUNK_ROWS) -> Iterator[pa.RecordBatch]:
    """The table, a chunk at a time."""
    kinds = np.repeat(np.arange(len(TYPES), dtype=np.int8), list(TYPE_SHARES.values()))
    for first in range(0, rows, chunk_rows):
        numbers = np.arange(first, min(first + chunk_rows, rows), dtype=np.uint64)
        bits = _mixed(numbers, seed)
        jitter_ms = bits >> np.uint64(64 - JITTER_BITS)
        time_ms = (numbers * np.uint64(STEP_MS) + jitter_ms).astype(np.int64) + _BEGINS_AT_MS
        user_id = ((bits & np.uint64(0xFFFFFFFF)) * np.uint64(USERS)) >> np.uint64(32)
        kind = kinds[(bits >> np.uint64(32)) & np.uint64(0xFF)]
        value = ((bits >> np.uint64(40)) & np.uint64(2**VALUE_BITS - 1)).astype(np.float32) / np.float32(4)
        names = pa.DictionaryArray.from_arrays(kind, list(TYPES)).cast(pa.string())
        yield pa.record_batch(
            [
                pa.array(time_ms, pa.timestamp("ms")),
                pa.array(user_id.astype(np.int32)),
                names,
                pa.array(value),
            ],
            names=list(COLUMNS),
        )


def as_arrow(chunk: pa.RecordBatch) -> pa.Buffer:
    """One Arrow stream, which a reader can use where it lies, without copying."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, chunk.schema) as writer:
        writer.write_batch(chunk)
    return sink.getvalue()


def as_csv(chunk: pa.RecordBatch) -> pa.Buffer:
    """Lines without a header: 2026-01-01 00:00:00.259,42,click,1.25."""
    sink = pa.BufferOutputStream()
    csv.write_csv(chunk, sink, csv.WriteOptions(include_header=False, quoting_style="none"))
    return sink.getvalue()


def read_arrow(file: Path) -> pa.Table:
    """The chunk in a file, mapped into memory: its pages are read when they are touched."""
    with pa.memory_map(str(file)) as source:
        return pa.ipc.open_stream(source).read_all()


@dataclass(slots=True)
class Count:
    """What the chunks that were added hold, by event type."""

    _sums: dict[str, list[int]] = field(default_factory=dict)
    _seen: npt.NDArray[np.bool_] = field(
        default_factory=lambda: np.zeros((len(TYPES), USERS), dtype=np.bool_)
    )

    def add(self, chunk: pa.RecordBatch) -> None:
        """Count one chunk's rows."""
        time_ms = _column(chunk, 0).astype(np.int64) - _BEGINS_AT_MS
        user_id = _column(chunk, 1)
        quarters = (_column(chunk, 3) * 4).astype(np.int64)
        kinds = chunk.column(2).dictionary_encode()
        names, indices = kinds.dictionary.to_pylist(), kinds.indices.to_numpy()
        for place, name in enumerate(names):
            mine = indices == place
            self._seen[TYPES.index(name), user_id[mine]] = True
            found = [mine.sum(), quarters[mine].sum(), user_id[mine].sum(dtype=np.int64), time_ms[mine].sum()]
            before = self._sums.get(name, [0] * len(found))
            self._sums[name] = [old + int(new) for old, new in zip(before, found, strict=True)]

    def totals(self) -> dict[str, Totals]:
        """By event type, in the order of their names."""
        return {
            name: Totals(
                rows=rows,
                value_sum=quarters / 4,
                users=int(self._seen[TYPES.index(name)].sum()),
                user_id_sum=users,
                time_ms_sum=times,
            )
            for name, (rows, quarters, users, times) in sorted(self._sums.items())
        }


class _Files:
    """One file a chunk, and the digest of them all."""

    def __init__(self, directory: Path, suffix: str) -> None:
        self._directory = directory
        self._suffix = suffix
        self.paths: list[Path] = []
        self.size = 0
        self.digest = hashlib.sha256()

    def add(self, data: pa.Buffer) -> None:
        path = self._directory / f"{len(self.paths):04}.{self._suffix}"
        path.write_bytes(data)
        self.paths.append(path)
        self.size += data.size
        self.digest.update(data)


def _mixed(numbers: _Words, seed: int) -> _Words:
    """64 bits for each number that look random: SplitMix64 (Steele, Lea, Flood 2014)."""
    bits = numbers * np.uint64(_GOLDEN) + np.uint64((seed * _GOLDEN + 1) & _MASK)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _column(chunk: pa.RecordBatch, place: int) -> npt.NDArray[Any]:
    column = chunk.column(place)
    return np.asarray((column.cast(pa.int64()) if pa.types.is_timestamp(column.type) else column).to_numpy())
