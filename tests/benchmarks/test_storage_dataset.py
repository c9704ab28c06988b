"""The table of the storage benches: the same bytes for ever, and totals that a slow recount confirms."""

import csv
import hashlib
import io
from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

from benchmarks import dataset

# Whoever changes these changes what every stored result was measured with.
GOLDEN_ROWS = 10_000
GOLDEN = {
    7: "5ca785c374edf8047280f549f4cf4a3cc2b05b993b8b1a34733ce1dc77a43489",
    20_261_121: "9033b56e94722b5573e4595e075962970d884eb44b70031b99afe3a59b1bb24d",
}


def text_of(data: dataset.Dataset) -> str:
    return "".join(file.read_text() for file in data.csv)


@pytest.mark.parametrize("seed", GOLDEN)
def test_a_seed_gives_the_same_bytes_for_ever(tmp_path: Path, seed: int) -> None:
    data = dataset.make(tmp_path, seed=seed, rows=GOLDEN_ROWS)
    assert data.csv_sha256 == GOLDEN[seed]
    assert hashlib.sha256(text_of(data).encode()).hexdigest() == data.csv_sha256
    assert data.csv_bytes == len(text_of(data))


def test_the_first_rows_are_spelled_as_every_engine_reads_them(tmp_path: Path) -> None:
    first, second, *_ = text_of(dataset.make(tmp_path, seed=7, rows=100)).splitlines()
    assert [first, second] == [
        "2026-01-01 00:00:14.374,84067,click,123",
        "2026-01-01 00:00:08.828,7091,page_view,238.75",
    ]


def test_totals_equal_a_slow_recount_of_the_text(tmp_path: Path) -> None:
    data = dataset.make(tmp_path, seed=7, rows=GOLDEN_ROWS)
    rows: dict[str, int] = defaultdict(int)
    values: dict[str, Fraction] = defaultdict(Fraction)
    users: dict[str, list[int]] = defaultdict(list)
    times: dict[str, int] = defaultdict(int)
    for at, user, name, value in csv.reader(io.StringIO(text_of(data))):
        rows[name] += 1
        values[name] += Fraction(value)
        users[name].append(int(user))
        since = datetime.fromisoformat(at) - datetime(2026, 1, 1)  # noqa: DTZ001 - as the text says it
        times[name] += since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    assert sum(rows.values()) == GOLDEN_ROWS
    assert set(rows) == set(dataset.TYPES)
    assert dict(data.totals) == {
        name: dataset.Totals(
            rows=rows[name],
            value_sum=float(values[name]),
            users=len(set(users[name])),
            user_id_sum=sum(users[name]),
            time_ms_sum=times[name],
        )
        for name in rows
    }
    assert data.answer() == {name: (rows[name], float(values[name]) / rows[name]) for name in rows}


def test_arrow_and_text_hold_the_same_rows(tmp_path: Path) -> None:
    data = dataset.make(tmp_path, seed=7, rows=2_000)
    (file,) = data.arrow
    lines = [
        f"{at.isoformat(sep=' ', timespec='milliseconds')},{user},{name},{value:.2f}".rstrip("0").rstrip(".")
        for at, user, name, value in zip(*dataset.read_arrow(file).to_pydict().values(), strict=True)
    ]
    assert lines == text_of(data).splitlines()
    assert data.arrow_bytes == file.stat().st_size
    assert data.arrow_sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_how_it_is_cut_changes_no_row() -> None:
    whole = pa.Table.from_batches(dataset.chunks(seed=3, rows=1_000))
    cut = pa.Table.from_batches(dataset.chunks(seed=3, rows=1_000, chunk_rows=77))
    assert cut.combine_chunks() == whole.combine_chunks()


def test_a_smaller_table_is_the_beginning_of_a_larger_one() -> None:
    (small,), (large,) = (list(dataset.chunks(seed=3, rows=rows)) for rows in (500, 5_000))
    assert large.slice(0, 500) == small


def test_another_seed_is_another_table() -> None:
    (one,), (other,) = (list(dataset.chunks(seed=seed, rows=500)) for seed in (3, 4))
    assert one.column(1) != other.column(1)


def test_a_table_larger_than_a_chunk_is_held_a_chunk_at_a_time(tmp_path: Path) -> None:
    data = dataset.make(tmp_path, seed=3, rows=dataset.CHUNK_ROWS + 10, text=False)
    assert [dataset.read_arrow(file).num_rows for file in data.arrow] == [dataset.CHUNK_ROWS, 10]
    assert data.csv == ()
    assert sum(each.rows for each in data.totals.values()) == dataset.CHUNK_ROWS + 10


def test_rows_fit_the_owners_columns() -> None:
    (chunk,) = dataset.chunks(seed=5, rows=100_000)
    values = chunk.column(3).to_numpy()
    assert ((values * 4) % 1 == 0).all()
    assert values.min() >= 0
    assert values.max() < 256
    users = chunk.column(1).to_numpy()
    assert users.min() >= 0
    assert users.max() < dataset.USERS
    assert max(map(len, dataset.TYPES)) <= 20
    assert sum(dataset.TYPE_SHARES.values()) == 256
