"""Why one load of the same rows takes three quarters of a minute and another three seconds: the driver's way.

Every way puts the same rows into the same ClickHouse table over HTTP with one connection, from what a program
would have at hand (`starts with`). Turning that into what is sent is part of the load. CPU is told apart: the
client's, where a driver looks at every value, and the server's, where text is parsed.
"""

import gc
import os
from collections.abc import Mapping, Sequence
from functools import partial

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
STANDARD = {1_000: 10_000, 10_000: 50_000, 100_000: 200_000}
FULL = {1_000: 20_000, 10_000: 100_000, 100_000: 300_000, 500_000: 500_000, 1_000_000: 1_000_000}
QUICK = {1_000: 5_000, 50_000: 50_000}
# In a quick run only these are taken in small batches too.
QUICK_SMALL = ("rows", "arrow")


def run(session: Session) -> None:
    """The batches that belong to the scale."""
    small = QUICK_SMALL if session.scale == "quick" else [way.name for way in WAYS]
    measure(session, session.pick(quick=QUICK, standard=STANDARD, full=FULL), small)


def measure(session: Session, loads: Mapping[int, int], small: Sequence[str]) -> None:
    """Every way in, in batches of every size; in all but the largest only the ways named in `small`."""
    dsn = os.environ.get(clickhouse.DSN_VARIABLE, "")
    engine = ClickHouse(session.scratch, dsn=dsn, connections=1, clock=session.clock)
    for way in WAYS:
        session.setting(f"{way.title}: starts with", way.starts_with)
    with running(session, engine) as here:
        for batch_rows, rows in loads.items() if here else ():
            chosen = [way for way in WAYS if batch_rows == max(loads) or way.name in small]
            _in_turn(session, engine, chosen, rows, batch_rows)


def _in_turn(session: Session, engine: ClickHouse, ways: Sequence[Way], rows: int, batch_rows: int) -> None:
    """One load of each way after the other, and again: what disturbs the machine meets every way alike."""
    table, data = _rows(session, rows)
    slices = [table.slice(first, batch_rows) for first in range(0, rows, batch_rows)]
    ready = {way.name: [way.prepare(each) for each in slices] for way in ways}
    costs: dict[str, list[Cost]] = {way.name: [] for way in ways}
    # No way pays for Python's looking through what another one has lying ready.
    gc.collect()
    gc.freeze()
    try:
        for turn in range(1 + TIMES):
            for way in ways:
                engine.create()
                load = partial(_load, session, engine, way, ready[way.name], rows)
                cost = session.steady(load) if turn else load()
                what = f"{way.title}, {rows:,} rows, {batch_rows:,} a batch"
                check_totals(session, what, data.totals, engine.totals())
                costs[way.name].append(cost)
    finally:
        gc.unfreeze()
    for way in ways:
        _figures(session, engine, way, batch_rows, costs[way.name][1:])


def _load(session: Session, engine: ClickHouse, way: Way, batches: Sequence[object], rows: int) -> Cost:
    with session.watch(engine.pids()) as watch:
        for batch in batches:
            way.load(engine, batch)
    return watch.cost(units=rows)


def _rows(session: Session, rows: int) -> tuple[pa.Table, Dataset]:
    """The table's first rows, and what the generator knows of them."""
    directory = session.scratch / f"data-{rows}"
    data = dataset.make(directory, seed=session.seed, rows=rows, text=False)
    session.setting(f"data, first {rows:,} rows", f"Arrow, sha256 {data.arrow_sha256}")
    return pa.concat_tables([dataset.read_arrow(file) for file in data.arrow]), data


def _figures(session: Session, engine: ClickHouse, way: Way, batch_rows: int, costs: Sequence[Cost]) -> None:
    suffix, title = f"{way.name}.{batch_rows}", f"{way.title}, {batch_rows:,} rows a batch"
    rates = [each.units / each.wall_s for each in costs]
    session.say(f"{title}: {', '.join(f'{each:.4g}' for each in rates)} rows/s")
    session.figure(f"formats.rate.{suffix}", title, "rows/s", rates, better="higher")
    for side, roles in {"client": ["bench"], "server": list(engine.pids())}.items():
        if roles:
            spent = [sum(each.cpu_s[role] for role in roles) / each.units * 1e6 for each in costs]
            session.figure(f"formats.{side}.{suffix}", f"{title}: CPU of the {side} by row", "µs", spent)


BENCH = Bench(
    name="formats",
    asks="What does the way in cost: which format, made by whom, in batches of what size?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 2 * 2**30, "full": 2 * 2**30},
)
