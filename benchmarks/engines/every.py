"""Every engine there is, in the order of the report, set up from the environment."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.engines import clickhouse, postgres, vertica
from benchmarks.engines.duckdb import DuckDB
from benchmarks.engines.engine import Engine, Unavailable
from benchmarks.frame.session import Session
from telemetry.clock import Clock

THREADS_MAX = 64


def engines(
    environ: Mapping[str, str], directory: Path, *, connections: int, clock: Clock
) -> tuple[Engine, ...]:
    """All of them, started none. Each has a directory of its own below `directory`."""
    return (
        clickhouse.ClickHouse(
            directory / "clickhouse",
            dsn=environ.get(clickhouse.DSN_VARIABLE, ""),
            connections=connections,
            clock=clock,
        ),
        vertica.Vertica(
            dsn=environ.get(vertica.DSN_VARIABLE, ""),
            compression=environ.get(vertica.COPY_VARIABLE, ""),
            connections=connections,
        ),
        DuckDB(directory / "duckdb", threads=connections),
        postgres.Postgres(
            directory / "postgres",
            dsn=environ.get(postgres.DSN_VARIABLE, ""),
            connections=connections,
            clock=clock,
        ),
    )


@contextmanager
def running(session: Session, engine: Engine) -> Iterator[bool]:
    """Inside, the engine runs; what it is stands in the result. False where it is not here, and said why."""
    with ExitStack() as stack:
        reason = engine.available()
        if reason is None:
            try:
                stack.enter_context(engine)
            except Unavailable as unavailable:
                reason = str(unavailable)
        if reason is not None:
            session.skip(engine.title, reason)
            yield False
            return
        about = {
            "insert": engine.inserts,
            "after it": engine.settles,
            "cold": engine.cold,
            "size": engine.size_of,
        }
        for name, value in {**engine.settings(), **about}.items():
            session.setting(f"{engine.title}: {name}", value)
        session.version(engine.title, engine.version())
        yield True


def cores() -> int:
    """Cores this process may use: so many connections insert."""
    there = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(there, THREADS_MAX)


def thread_steps(most: int) -> list[int]:
    """1, 2, 4, … up to `most`, itself included."""
    steps = [1]
    while steps[-1] * 2 <= most:
        steps.append(steps[-1] * 2)
    return steps if steps[-1] == most else [*steps, most]
