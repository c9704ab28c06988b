"""Why one load of the same rows takes three quarters of a minute and another three seconds: the driver's way.

Every way puts the same rows into the same ClickHouse table over HTTP with one connection, from what a program
would have at hand (`starts with`). Turning that into what is sent is part of the load. CPU is told apart: the
client's, where a driver looks at every value, and the server's, where text is parsed.
"""

import os
from collections.abc import Mapping, Sequence

import pyarrow as pa

from benchmarks import dataset
from benchmarks.dataset import Dataset
from benchmarks.engines import clickhouse
from benchmarks.engines.clickhouse import ClickHouse
from benchmarks.engines.every import running
from benchmarks.engines.judging import check_totals
from benchmarks.engines.ways import WAYS, Way
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Bench, Session

TIMES = 5
# Rows by batch, and rows in a load: of small batches fewer are enough to know what one costs.
STANDARD = {1_000: 50_000, 10_000: 200_000, 100_000: 500_000, 1_000_000: 1_000_000}
QUICK = {1_000: 10_000, 50_000: 50_000}
# In a quick run only these are taken in small batches too.
QUICK_SMALL = ("rows", "arrow")


def run(session: Session) -> None:
    """The batches that belong to the scale."""
    small = QUICK_SMALL if session.scale == "quick" else [way.name for way in WAYS]
    measure(session, session.pick(quick=QUICK, standard=STANDARD, full=STANDARD), small)


def measure(session: Session, loads: Mapping[int, int], small: Sequence[str]) -> None:
    """Every way in, in batches of every size; in all but the largest only the ways named in `small`."""
    dsn = os.environ.get(clickhouse.DSN_VARIABLE, "")
    engine = ClickHouse(session.scratch, dsn=dsn, connections=1, clock=session.clock)
    for way in WAYS:
        session.setting(f"{way.title}: starts with", way.starts_with)
    with running(session, engine) as here:
        if not here:
            return
        for batch_rows, rows in loads.items():
            table = _rows(session, rows)
            for way in WAYS:
                if batch_rows == max(loads) or way.name in small:
                    _measure(session, engine, way, table, batch_rows)


def _rows(session: Session, rows: int) -> tuple[pa.Table, Dataset]:
    """The table's first rows, and what the generator knows of them."""
    directory = session.scratch / f"data-{rows}"
    data = dataset.make(directory, seed=session.seed, rows=rows, text=False)
    session.setting(f"data, first {rows:,} rows", f"Arrow, sha256 {data.arrow_sha256}")
    return pa.concat_tables([dataset.read_arrow(file) for file in data.arrow]), data


def _measure(
    session: Session, engine: ClickHouse, way: Way, table: tuple[pa.Table, Dataset], batch_rows: int
) -> None:
    rows, data = table
    batches = [way.prepare(rows.slice(first, batch_rows)) for first in range(0, rows.num_rows, batch_rows)]
    title = f"{way.title}, {batch_rows:,} rows a batch"
    costs: list[Cost] = []

    def load() -> float:
        with session.watch(engine.pids()) as watch:
            for batch in batches:
                way.load(engine, batch)
        check_totals(session, f"{title}, {data.rows:,} rows", data.totals, engine.totals())
        costs.append(watch.cost(units=data.rows))
        return data.rows / costs[-1].wall_s

    suffix = f"{way.name}.{batch_rows}"
    session.repeat(
        f"formats.rate.{suffix}",
        title,
        "rows/s",
        load,
        times=TIMES,
        before=engine.create,
        better="higher",
    )
    for side, roles in {"client": ["bench"], "server": list(engine.pids())}.items():
        if roles:
            spent = [sum(c.cpu_s[role] for role in roles) / c.units * 1e6 for c in costs[-TIMES:]]
            session.figure(f"formats.{side}.{suffix}", f"{title}: CPU of the {side} by row", "µs", spent)


BENCH = Bench(
    name="formats",
    asks="What does the way in cost: which format, made by whom, in batches of what size?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 2 * 2**30, "full": 2 * 2**30},
)
