"""The benchmark the product's owner asked for: his table into every engine, and his question out of it.

Every engine gets the same bytes and loads them its own fastest way, with as many connections as there are
cores. After every load the engine's own totals are held against the generator's; one row lost, doubled or
changed voids the run.
"""

import os
from functools import partial
from typing import Literal

from benchmarks import dataset, published
from benchmarks.dataset import Dataset
from benchmarks.engines import clickhouse
from benchmarks.engines.bare import Bare
from benchmarks.engines.clickhouse import ClickHouse
from benchmarks.engines.engine import Engine
from benchmarks.engines.every import cores, engines, running, thread_steps
from benchmarks.engines.judging import check_totals
from benchmarks.engines.measuring import (
    Series,
    aggregate,
    aggregate_cold,
    asked,
    insert,
    load_once,
    size,
)
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Bench, Session, Side

BARE_INSERT_RATIO_MAX = 1.3
ROLLUP_RATIO_MAX = 0.1
FASTER = 10
# The targets speak of this many rows; with fewer, what an insert or a query costs at all outweighs the rows.
TARGET_ROWS = published.INSERT_ROWS
TARGET_THREADS = 2


def run(session: Session) -> None:
    """The table in the size that belongs to the scale."""
    measure(session, rows=session.pick(quick=500_000, standard=TARGET_ROWS, full=TARGET_ROWS))


def measure(session: Session, *, rows: int) -> None:
    """Every engine, one after the other; then the product's way in against a bare one, and its aggregate."""
    session.say(f"rendering {rows:,} rows")
    data = dataset.make(session.scratch / "data", seed=session.seed, rows=rows)
    for name, value in data.about().items():
        session.setting(name, value)
    for engine in engines(os.environ, session.scratch, connections=cores(), clock=session.clock):
        with running(session, engine) as here:
            if here:
                _one(session, engine, data)
            if here and isinstance(engine, ClickHouse):
                _against_bare(session, engine, data)
    _from_the_rollup(session, data)


def _one(session: Session, engine: Engine, data: Dataset) -> None:
    times = session.pick(quick=5, standard=5, full=15)
    is_target = isinstance(engine, ClickHouse) and data.rows == TARGET_ROWS
    insert(
        Series(
            session,
            "insert",
            f"insert {data.rows:,} rows",
            times,
            target=_owners("insert") / FASTER if is_target else None,
        ),
        engine,
        data,
    )
    with session.watch(engine.pids()) as settling:
        engine.settle()
    name = f"{engine.title}, after the load: {engine.settles}"
    session.figure(f"storage.settle.{engine.name}", name, "s", [settling.cost().wall_s])
    size(session, engine, data.rows)
    for threads in thread_steps(cores()):
        aggregate(
            Series(
                session,
                "aggregate",
                f"aggregate, {threads} {'thread' if threads == 1 else 'threads'}",
                times,
                suffix=f"_{threads}",
                target=_owners("aggregate") if is_target and threads == TARGET_THREADS else None,
            ),
            engine,
            data,
            partial(engine.aggregate, threads=threads),
        )
    if session.scale == "quick":
        session.skip(f"{engine.title}: cold questions", "each takes a restart; scale standard asks them")
        return
    cold = Series(session, "aggregate_cold", f"aggregate, cold, {cores()} threads", times)
    aggregate_cold(cold, engine, data, cores())


def _against_bare(session: Session, product: ClickHouse, data: Dataset) -> None:
    """The same Arrow bytes over HTTP through the warehouse, and by chDB in process."""
    if not product.pids():
        session.skip("insert against a bare one", "the server's CPU cannot be looked at from here")
        return
    with Bare(session.scratch / "bare", connections=cores()) as bare:

        def in_process() -> Cost:
            with session.watch(bare.pids()) as watch:
                bare.insert(data)
            check_totals(session, f"{bare.title}, {data.rows:,} rows loaded", data.totals, bare.totals())
            return watch.cost(units=data.rows)

        session.compare(
            "storage.bare_insert",
            "The product's way in against a bare Arrow insert",
            a=Side("Arrow over HTTP", partial(load_once, session, product, data), product.create),
            b=Side("chDB in process, from the same Arrow files", in_process, bare.create),
            unit="row",
            target=BARE_INSERT_RATIO_MAX,
            gates=data.rows == TARGET_ROWS,
            note="same table, settings, chunks and connections",
        )


def _from_the_rollup(session: Session, data: Dataset) -> None:
    """The aggregate as the product keeps it: what it costs the load, and what it saves the question."""
    dsn = os.environ.get(clickhouse.DSN_VARIABLE, "")
    with ClickHouse(
        session.scratch / "rollup", dsn=dsn, connections=cores(), clock=session.clock, with_rollup=True
    ) as engine:
        name = f"insert {data.rows:,} rows, with the aggregate"
        insert(Series(session, "insert", name, 5, suffix="_with_rollup"), engine, data)
        engine.settle()
        threads = min(TARGET_THREADS, cores())
        from_rollup = partial(engine.aggregate_rollup, threads=threads)
        from_raw = partial(engine.aggregate, threads=threads)
        session.compare(
            "storage.rollup",
            "The question from the aggregate, and from raw",
            a=Side("from the aggregate", partial(asked, session, engine, data, from_rollup)),
            b=Side("from raw", partial(asked, session, engine, data, from_raw)),
            unit="query",
            measure="wall",
            target=ROLLUP_RATIO_MAX,
            gates=data.rows == TARGET_ROWS,
            note=f"{threads} threads; the aggregate is by quarter hour and event type",
        )


def _owners(what: Literal["insert", "aggregate"]) -> float:
    """The owner's own earlier figure for ClickHouse, seconds: what a target is made of, never a ratio."""
    return next(each.value_s for each in published.of(what) if each.engine == "ClickHouse")


BENCH = Bench(
    name="storage",
    asks="What does the owner's table take to load, to keep and to ask, in ClickHouse and in others?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 8 * 2**30, "full": 8 * 2**30},
)
