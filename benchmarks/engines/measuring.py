"""How a load and a question are measured, the same for every engine and bench; each is checked.

Figures are named `<bench>.<what>.<engine>…`: wall seconds under `insert` and `aggregate`, and beside them
`insert_cpu`, `insert_memory` and so on, of every process that took part and can be looked at.
"""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.dataset import Dataset
from benchmarks.engines.engine import Answer, Engine
from benchmarks.engines.judging import check_answer, check_totals
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Session

# A query that takes less than this is asked several times in one measurement.
MEASURED_MIN_S = 0.1
QUERIES_MAX = 20


@dataclass(frozen=True, slots=True)
class Series:
    """One measurement: how often, and where its figures go."""

    session: Session
    what: str
    # What the figure is called, after the engine's title.
    name: str
    times: int
    # After the engine's name in the key: _2 for two threads, .1000000 for rows.
    suffix: str = ""
    target: float | None = None

    def key(self, engine: Engine, part: str = "") -> str:
        return f"{self.session.bench}.{self.what}{part}.{engine.name}{self.suffix}"


def insert(series: Series, engine: Engine, data: Dataset) -> None:
    """Load `data` into an empty table, again and again; every load is checked."""
    session = series.session
    costs: list[Cost] = []

    def load() -> float:
        costs.append(load_once(session, engine, data))
        return costs[-1].wall_s

    title = f"{engine.title}, {series.name}"
    session.repeat(
        series.key(engine), title, "s", load, times=series.times, before=engine.create, target=series.target
    )
    _beside(series, engine, title, costs[-series.times :], per_unit=False)


def load_once(session: Session, engine: Engine, data: Dataset) -> Cost:
    """One load, and its check."""
    with session.watch(engine.pids()) as watch:
        engine.insert(data)
    check_totals(session, f"{engine.title}, {data.rows:,} rows loaded", data.totals, engine.totals())
    return watch.cost(units=data.rows)


def aggregate(series: Series, engine: Engine, data: Dataset, question: Callable[[], Answer]) -> None:
    """Ask a question that is answered warm, again and again; every answer is checked."""
    costs: list[Cost] = []

    def ask() -> float:
        costs.append(asked(series.session, engine, data, question))
        return costs[-1].wall_s / costs[-1].units

    title = f"{engine.title}, {series.name}"
    series.session.repeat(series.key(engine), title, "s", ask, times=series.times, target=series.target)
    _beside(series, engine, title, costs[-series.times :], per_unit=True)


def aggregate_cold(series: Series, engine: Engine, data: Dataset, threads: int) -> None:
    """The first question after everything was made cold that can be."""
    session = series.session

    def ask() -> float:
        began = session.clock.monotonic()
        answer = engine.aggregate(threads=threads)
        took_s = session.clock.monotonic() - began
        check_answer(session, f"{engine.title}, asked cold", data.answer(), answer)
        return took_s

    session.repeat(
        series.key(engine),
        f"{engine.title}, {series.name}",
        "s",
        ask,
        times=series.times,
        before=engine.chill,
        warm_up=False,
        note=engine.cold,
    )


def asked(session: Session, engine: Engine, data: Dataset, question: Callable[[], Answer]) -> Cost:
    """What one question costs; a quick one is asked several times over. Every answer is checked."""
    began = session.clock.monotonic()
    answers = [question()]
    once_s = session.clock.monotonic() - began
    times = max(1, min(QUERIES_MAX, round(MEASURED_MIN_S / max(once_s, 1e-6))))
    with session.watch(engine.pids()) as watch:
        answers += [question() for _ in range(times)]
    distinct = [each for place, each in enumerate(answers) if each not in answers[:place]]
    for each in distinct:
        check_answer(session, f"{engine.title}, asked {len(answers)} times", data.answer(), each)
    return watch.cost(units=times)


def size(session: Session, engine: Engine, rows: int, suffix: str = "") -> None:
    """What the settled table takes on disk."""
    session.figure(
        f"{session.bench}.size.{engine.name}{suffix}",
        f"{engine.title}, {rows:,} rows on disk",
        "bytes",
        [engine.disk_bytes()],
        note=engine.size_of,
    )


def _beside(series: Series, engine: Engine, title: str, costs: list[Cost], *, per_unit: bool) -> None:
    """CPU and the engine's peak of memory, where its processes can be looked at."""
    roles = list(engine.pids())
    if not roles:
        return
    cpu_s = [each.cpu_total_s / (each.units if per_unit else 1) for each in costs]
    series.session.figure(series.key(engine, "_cpu"), f"{title}: CPU", "s", cpu_s)
    peaks = [float(sum(each.rss_peak_bytes[role] for role in roles)) for each in costs]
    series.session.figure(
        series.key(engine, "_memory"),
        f"{title}: peak memory",
        "bytes",
        peaks,
        note="RSS of its processes; what they share is counted in each" if engine.shares_memory else "",
    )
