"""Every engine that is here answers as a slow recount does, and a load with one row wrong voids the run."""

import csv
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks import dataset
from benchmarks.dataset import Dataset
from benchmarks.engines import clickhouse_settings
from benchmarks.engines.bare import Bare
from benchmarks.engines.clickhouse import ClickHouse
from benchmarks.engines.duckdb import DuckDB
from benchmarks.engines.engine import Answer, Engine, statement
from benchmarks.engines.judging import check_answer, check_totals
from benchmarks.engines.measuring import Series, asked, insert
from benchmarks.engines.postgres import Postgres
from benchmarks.frame.errors import Void
from benchmarks.frame.session import Session
from telemetry.clock import SystemClock

ROWS = 10_000
MADE_WRONG = {
    "duckdb": {
        "one row lost": "DELETE FROM events WHERE rowid = 17",
        "one row twice": "INSERT INTO events SELECT * FROM events LIMIT 1",
        "one value changed": "UPDATE events SET value = value + 0.25 WHERE rowid = 17",
        "one user changed": "UPDATE events SET user_id = user_id + 1 WHERE rowid = 17",
        "one time changed": "UPDATE events SET event_time = event_time + INTERVAL 1 MILLISECOND "
        "WHERE rowid = 17",
        "one type changed": "UPDATE events SET event_type = 'clack' WHERE rowid = 17",
    },
    "clickhouse": {
        "one row lost": "ALTER TABLE events DELETE WHERE (event_time, user_id) IN "
        "(SELECT event_time, user_id FROM events ORDER BY ALL LIMIT 1) SETTINGS mutations_sync = 2",
        "one row twice": "INSERT INTO events SELECT * FROM events LIMIT 1",
    },
    "postgres": {
        "one row lost": "DELETE FROM events WHERE ctid = '(0,1)'",
        "one row twice": "INSERT INTO events SELECT * FROM events LIMIT 1",
    },
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return dataset.make(tmp_path_factory.mktemp("data"), seed=11, rows=ROWS)


@pytest.fixture(scope="module")
def slow_answer(data: Dataset) -> Answer:
    """The owner's question, answered from the text row by row."""
    values: dict[str, list[Decimal]] = {}
    for file in data.csv:
        with file.open() as lines:
            for _, _, name, value in csv.reader(lines):
                values.setdefault(name, []).append(Decimal(value))
    return {name: (len(found), float(sum(found) / len(found))) for name, found in values.items()}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Where another user may pass through, as a server that refuses root needs it."""
    with tempfile.TemporaryDirectory(prefix="ugc-storage-") as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def duckdb(place: Path) -> Iterator[DuckDB]:
    with DuckDB(place / "duckdb", threads=2) as engine:
        yield engine


@pytest.fixture(scope="module")
def clickhouse(place: Path) -> Iterator[ClickHouse]:
    with ClickHouse(
        place / "clickhouse", dsn="", connections=2, clock=SystemClock(), with_rollup=True
    ) as engine:
        yield engine


@pytest.fixture(scope="module")
def postgres(place: Path) -> Iterator[Postgres]:
    engine = Postgres(place / "postgres", dsn="", connections=2, clock=SystemClock())
    if reason := engine.available():
        # The driver comes with the environment of the tests; the server is the system's.
        assert "no PostgreSQL is installed here" in reason
        pytest.skip(reason)
    with engine:
        yield engine


@pytest.fixture(
    params=[
        "duckdb",
        pytest.param("clickhouse", marks=pytest.mark.stack),
        pytest.param("postgres", marks=pytest.mark.stack),
    ]
)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine that can be run here."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def test_holds_and_answers_what_a_slow_recount_says(
    engine: Engine, data: Dataset, slow_answer: Answer, session: Session
) -> None:
    engine.create()
    engine.insert(data)
    check_totals(session, "loaded", data.totals, engine.totals())
    engine.settle()
    check_totals(session, "settled", data.totals, engine.totals())
    for threads in (1, 2):
        answer = engine.aggregate(threads=threads)
        assert {name: count for name, (count, _) in answer.items()} == {
            name: count for name, (count, _) in slow_answer.items()
        }
        assert {name: mean for name, (_, mean) in answer.items()} == pytest.approx(
            {name: mean for name, (_, mean) in slow_answer.items()}, rel=1e-12
        )
        check_answer(session, "asked", data.answer(), answer)
    # Narrower than its Arrow form by compression, or wider by a row's header: never a hundred times.
    assert 0.1 < engine.disk_bytes() / data.arrow_bytes < 10


def test_a_second_load_replaces_the_first(engine: Engine, data: Dataset) -> None:
    for _ in range(2):
        engine.create()
        engine.insert(data)
    assert engine.totals() == data.totals


def test_a_cold_question_has_the_same_answer(engine: Engine, data: Dataset) -> None:
    engine.create()
    engine.insert(data)
    before = engine.pids()
    engine.chill()
    assert engine.pids() != before
    assert engine.aggregate(threads=2) == data.answer()


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        pytest.param(kind, wrong, marks=[] if kind == "duckdb" else [pytest.mark.stack])
        for kind, each in MADE_WRONG.items()
        for wrong in each
    ],
)
def test_a_load_with_one_row_wrong_voids_the_run(
    request: pytest.FixtureRequest, data: Dataset, session: Session, kind: str, wrong: str
) -> None:
    engine = request.getfixturevalue(kind)
    load, loads = engine.insert, []

    def load_badly(what: Dataset) -> None:
        load(what)
        loads.append(what)
        # The fourth of five: not the first, which a bench might be tempted to look at alone.
        if len(loads) == 4:
            engine.execute(MADE_WRONG[kind][wrong])

    engine.insert = load_badly
    try:
        with pytest.raises(Void, match=rf"{engine.title}, {ROWS:,} rows loaded.*instead of"):
            insert(Series(session, "insert", "insert", 5), engine, data)
    finally:
        del engine.insert
    assert len(loads) == 4
    assert session.figures == []


@pytest.mark.parametrize("wrong_at", [0, 1, 5])
def test_one_wrong_answer_among_right_ones_voids_the_run(
    duckdb: DuckDB, data: Dataset, session: Session, wrong_at: int
) -> None:
    asked_so_far = []

    def question() -> Answer:
        asked_so_far.append(1)
        right = data.answer()
        return right if len(asked_so_far) != wrong_at + 1 else {**right, "click": (1, 1.0)}

    with pytest.raises(Void, match=r"click: 1 rows, mean 1\.0 instead of"):
        asked(session, duckdb, data, question)
    assert len(asked_so_far) > 5


@pytest.mark.stack
def test_the_rollup_answers_as_raw_does(clickhouse: ClickHouse, data: Dataset) -> None:
    clickhouse.create()
    clickhouse.insert(data)
    assert clickhouse.aggregate_rollup(threads=1) == data.answer()
    clickhouse.settle()
    assert clickhouse.aggregate_rollup(threads=2) == data.answer()
    rows = int(clickhouse.query("SELECT count() FROM events_by_quarter_hour")[0][0])
    assert rows < ROWS / 10


@pytest.mark.stack
@pytest.mark.parametrize("threads", [1, 2])
def test_clickhouse_answers_with_the_threads_asked_for(clickhouse: ClickHouse, threads: int) -> None:
    clickhouse.create()
    clickhouse.execute(
        "INSERT INTO events SELECT toDateTime64('2026-01-01', 3) + number, number, 'click', 1 "
        "FROM numbers(1000000)"
    )
    clickhouse.settle()
    plan = f"EXPLAIN PIPELINE {statement('clickhouse', 'aggregate')}"
    lines = clickhouse.query(plan, max_threads=threads, **clickhouse_settings.ASK)
    readers = [line for (line,) in lines if "MergeTreeSelect" in line]
    assert len(readers) == 1
    # "MergeTreeSelect(...) x 2 0 -> 1" in other letters: two of them.
    assert (" 2 0 " in readers[0]) == (threads == 2)


@pytest.mark.stack
def test_postgres_plans_every_question_anew(postgres: Postgres) -> None:
    # A plan kept from one thread would answer with one thread for ever.
    assert [each.prepare_threshold for each in postgres._pool] == [None, None]


@pytest.mark.stack
def test_a_bare_insert_stores_the_same_table(data: Dataset, tmp_path: Path) -> None:
    with Bare(tmp_path, connections=2) as bare:
        for _ in range(2):
            bare.create()
            bare.insert(data)
        assert bare.totals() == data.totals


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda found: found.pop("click"), "click: nothing instead of"),
        (lambda found: found.update(clack=found["click"]), "clack: .* instead of nothing"),
        (lambda found: found.update(click=found["login"], login=found["click"]), "click: .*; login: "),
    ],
)
def test_what_differs_is_named(
    session: Session, data: Dataset, change: Callable[[object], object], said: str
) -> None:
    found = dict(data.totals)
    change(found)
    with pytest.raises(Void, match=said):
        check_totals(session, "loaded", data.totals, found)
    answer = data.answer()
    change(answer)
    with pytest.raises(Void, match=said):
        check_answer(session, "asked", data.answer(), answer)


def test_a_mean_may_differ_in_its_last_digit_and_no_more(session: Session, data: Dataset) -> None:
    count, mean = data.answer()["click"]
    check_answer(session, "asked", data.answer(), {**data.answer(), "click": (count, mean * (1 + 4e-16))})
    with pytest.raises(Void, match="click"):
        check_answer(session, "asked", data.answer(), {**data.answer(), "click": (count, mean * (1 + 1e-9))})
