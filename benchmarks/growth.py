"""How a load, a question and the disk grow with the table: ten times the rows, how many times the cost?

ClickHouse and DuckDB as far as the disk reaches; PostgreSQL, the control that keeps whole rows, up to ten
million, and Vertica where there is one. Every load and every answer is checked, at every size.
"""

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import dataset
from benchmarks.engines.engine import Engine
from benchmarks.engines.every import cores, engines, running
from benchmarks.engines.measuring import Series, aggregate, insert, size
from benchmarks.engines.postgres import Postgres
from benchmarks.frame.session import Bench, BenchFailed, Session

POSTGRES_ROWS_MAX = 10_000_000
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
    there = engines(os.environ, session.scratch, connections=cores(), clock=session.clock)
    for engine in there:
        with running(session, engine) as here:
            for rows in fitting if here else ():
                if isinstance(engine, Postgres) and rows > POSTGRES_ROWS_MAX:
                    session.skip(
                        f"{engine.title}, {rows:,} rows", "a control, and one of minutes a load here"
                    )
                    continue
                _at(session, engine, rows)


def _at(session: Session, engine: Engine, rows: int) -> None:
    """One engine at one size. The table is rendered anew: its files would not all fit beside each other."""
    directory = session.scratch / "data"
    data = dataset.make(directory, seed=session.seed, rows=rows, text=engine.reads == "csv")
    suffix = f".{rows}"
    insert(Series(session, "insert", f"insert {rows:,} rows", TIMES, suffix), engine, data)
    engine.settle()
    size(session, engine, rows, suffix)
    threads = cores()
    name = f"aggregate {rows:,} rows, {threads} threads"
    question = partial(engine.aggregate, threads=threads)
    aggregate(Series(session, "aggregate", name, TIMES, suffix), engine, data, question)
    _empty(directory)


def _fits(session: Session, rows: int) -> bool:
    per_row = TEXT_BYTES_A_ROW if rows <= POSTGRES_ROWS_MAX else BYTES_A_ROW
    try:
        session.need_disk(rows * per_row, f"a table of {rows:,} rows")
    except BenchFailed as full:
        session.skip(f"{rows:,} rows", str(full))
        return False
    return True


def _empty(directory: Path) -> None:
    for file in directory.iterdir():
        file.unlink()


BENCH = Bench(
    name="growth",
    asks="How do load, question and disk grow with the table?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 6 * 2**30, "full": 6 * 2**30},
)
