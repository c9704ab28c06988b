"""How a load, a question and the disk grow with the table: ten times the rows, how many times the cost?

ClickHouse and DuckDB as far as the disk reaches, and Vertica where there is one; PostgreSQL at scale full,
the control that keeps whole rows, up to a few million. Every load and every answer is checked, at every size.
"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial

from benchmarks import dataset
from benchmarks.dataset import Dataset
from benchmarks.engines.engine import Engine
from benchmarks.engines.every import cores, engines, running
from benchmarks.engines.measuring import Series, aggregate, insert, size
from benchmarks.engines.postgres import Postgres
from benchmarks.frame.session import Bench, BenchFailed, Session

POSTGRES_ROWS_MAX = 3_000_000
TIMES = 5
# A row as Arrow, as CSV and in every engine that is measured with it, rounded up.
BYTES_A_ROW = 80
TEXT_BYTES_A_ROW = 200


def run(session: Session) -> None:
    """The sizes that belong to the scale."""
    steps = session.pick(
        quick=(50_000, 500_000),
        standard=(1_000_000, 3_000_000, 10_000_000),
        full=(1_000_000, 10_000_000, 30_000_000, 100_000_000),
    )
    measure(session, steps)


def measure(session: Session, steps: Sequence[int]) -> None:
    """Every engine at every size."""
    fitting = [rows for rows in steps if _fits(session, rows)]
    if not fitting:
        raise BenchFailed("no size fits on this disk; free some space or set TMPDIR to a larger one")
    with ExitStack() as stack:
        every = engines(os.environ, session.scratch, connections=cores(), clock=session.clock)
        if session.scale != "full":
            session.skip(Postgres.title, "a control: `storage` has it, and scale full here")
            every = tuple(each for each in every if not isinstance(each, Postgres))
        here = [engine for engine in every if stack.enter_context(running(session, engine))]
        for rows in fitting:
            _at(session, here, rows)


def _at(session: Session, here: Sequence[Engine], rows: int) -> None:
    """Every engine at one size; no two sizes are on disk at once."""
    wanted = [e for e in here if rows <= POSTGRES_ROWS_MAX or not isinstance(e, Postgres)]
    for engine in here:
        if engine not in wanted:
            session.skip(f"{engine.title}, {rows:,} rows", "a control, which a load of minutes tells no more")
    directory = session.scratch / "data"
    text = any(engine.reads == "csv" for engine in wanted)
    data = dataset.make(directory, seed=session.seed, rows=rows, text=text)
    session.setting(f"data, {rows:,} rows", f"Arrow, sha256 {data.arrow_sha256}")
    for engine in wanted:
        _one(session, engine, data)
    for file in directory.iterdir():
        file.unlink()


def _one(session: Session, engine: Engine, data: Dataset) -> None:
    rows, suffix, threads = data.rows, f".{data.rows}", cores()
    insert(Series(session, "insert", f"insert {rows:,} rows", TIMES, suffix), engine, data)
    engine.settle()
    size(session, engine, rows, suffix)
    name = f"aggregate {rows:,} rows, {threads} threads"
    question = partial(engine.aggregate, threads=threads)
    aggregate(Series(session, "aggregate", name, TIMES, suffix), engine, data, question)


def _fits(session: Session, rows: int) -> bool:
    per_row = TEXT_BYTES_A_ROW if rows <= POSTGRES_ROWS_MAX else BYTES_A_ROW
    try:
        session.need_disk(rows * per_row, f"a table of {rows:,} rows")
    except BenchFailed as full:
        session.skip(f"{rows:,} rows", str(full))
        return False
    return True


BENCH = Bench(
    name="growth",
    asks="How do load, question and disk grow with the table?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 6 * 2**30, "full": 6 * 2**30},
)
