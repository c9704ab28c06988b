"""Pictures show what was measured, named by what it is of, and nothing that was not."""

from collections.abc import Callable

import pytest

from benchmarks.frame.figures import Comparison, Cost, Figure, Pair, Result, Target
from benchmarks.profiling import Bottleneck
from benchmarks.report import bottleneck, draw, pictures, pictures_formats, pictures_path, pictures_storage
from benchmarks.report.chart import Bars, Chart, Lines, Row
from benchmarks.report.shelf import Shelf

Make = Callable[..., Result]


def figure(key: str, *samples: float, unit: str = "µs", note: str = "") -> Figure:
    return Figure(key=key, name=key, unit=unit, samples=list(samples), note=note)


def bars(chart: Chart | None, panel: int = 0) -> list[Row]:
    assert chart is not None
    found = chart.panels[panel]
    assert isinstance(found, Bars)
    return found.rows


def shown(chart: Chart | None, panel: int = 0) -> dict[str, float]:
    return {row.label: row.value for row in bars(chart, panel)}


@pytest.fixture
def pipeline(make_result: Make) -> Result:
    figures = [
        *(
            figure(f"pipeline.cpu.{p}", 10.0 * n, 11.0 * n, 15.0 * n)
            for n, p in enumerate(bottleneck.PROCESSES, 1)
        ),
        *(figure(f"pipeline.busy.{p}", 20.0 * n) for n, p in enumerate(bottleneck.PROCESSES, 1)),
        figure(
            bottleneck.VERDICT, 90.0, note=str(Bottleneck("etl", "its one core", busy=0.9, of=1, share=0.7))
        ),
    ]
    return make_result(bench="pipeline", scale="standard", figures=figures, comparisons=[])


def test_the_path_is_drawn_by_process_the_most_expensive_first(pipeline: Result) -> None:
    chart = pictures_path.path(Shelf([pipeline]))
    assert chart is not None
    assert chart.title == "The ETL is full: it sets the pace"
    assert list(shown(chart).items()) == [
        ("warehouse", 44.0),
        ("ETL", 33.0),
        ("broker", 22.0),
        ("collector", 11.0),
    ]
    first = bars(chart)[0]
    assert (first.text, first.lowest, first.highest) == ("44.0 µs", 40.0, 60.0)
    assert shown(chart, 1) == {"warehouse": 80.0, "ETL": 60.0, "broker": 40.0, "collector": 20.0}
    alone = bars(chart, 1)[0]
    assert (alone.text, alone.lowest, alone.highest) == ("80.0 %", None, None)
    assert "pipeline, scale standard, 2026-11-01 · Fast 9000, 2 cores, 24 GiB" in chart.foot


@pytest.fixture
def kafka_engine(make_result: Make) -> Result:
    pair = Pair(a=Cost(wall_s=3, cpu_s={"a": 1.0}), b=Cost(wall_s=6, cpu_s={"b": 1.0}), baseline_s=[1.0, 1.0])
    figures = [
        figure("kafka_engine.rows.etl.uuid7", 300_000, unit="rows/s"),
        figure("kafka_engine.rows.engine.uuid7", 200_000, unit="rows/s"),
        figure("kafka_engine.rows.engine_large.uuid7", 100_000, unit="rows/s"),
        figure("kafka_engine.cpu.etl.uuid7.warehouse", 3.0),
        figure("kafka_engine.cpu.etl.uuid7.etl", 2.0),
        figure("kafka_engine.cpu.etl.uuid7.broker", 0.5),
        figure("kafka_engine.cpu.engine.uuid7.warehouse", 6.0),
        figure("kafka_engine.cpu.engine.uuid7.novel", 1.0),
    ]
    against = Comparison(
        key="kafka_engine.etl.uuid7.tuned",
        name="-",
        a="-",
        b="-",
        unit="row",
        pairs=[pair] * 7,
        measure="wall",
    )
    return make_result(bench="kafka_engine", figures=figures, comparisons=[against])


def test_our_etl_is_drawn_beside_the_engine(kafka_engine: Result) -> None:
    chart = pictures_path.engine(Shelf([kafka_engine]))
    assert chart is not None
    assert chart.title == "Our ETL takes 0.50x the time of ClickHouse's own Kafka engine"
    assert shown(chart) == {
        "our ETL, UUIDv7": 300_000,
        "Kafka engine, tuned, UUIDv7": 200_000,
        "Kafka engine, large blocks, UUIDv7": 100_000,
    }
    ours, theirs = bars(chart, 1)
    assert [(part.name, part.value) for part in ours.parts] == [
        ("broker", 0.5),
        ("ETL", 2.0),
        ("warehouse", 3.0),
    ]
    assert [(part.name, part.value) for part in theirs.parts] == [("warehouse", 6.0), ("novel", 1.0)]
    assert (ours.text, theirs.text) == ("5.50 µs", "7.00 µs")


def test_without_pairs_no_ratio_is_spoken_of(kafka_engine: Result, make_result: Make) -> None:
    chart = pictures_path.engine(
        Shelf([make_result(bench="kafka_engine", figures=kafka_engine.figures, comparisons=[])])
    )
    assert chart is not None
    assert "x the time" not in chart.title


def test_what_was_not_measured_is_not_drawn(make_result: Make, pipeline: Result) -> None:
    assert pictures.charts(Shelf([])) == []
    nothing = [
        make_result(bench=bench, figures=[], comparisons=[])
        for bench in ("startup", "storage", "formats", "growth", "kafka_engine", "tides")
    ]
    assert pictures.charts(Shelf(nothing)) == []
    assert [each.name for each in pictures.charts(Shelf([*nothing, pipeline]))] == ["path"]


def storage_figures(rows: int) -> list[Figure]:
    def of(key: str, name: str, *samples: float, limit: float | None = None) -> Figure:
        target = None if limit is None else Target(limit=limit)
        return Figure(key=f"storage.{key}", name=name, unit="s", samples=list(samples), target=target)

    return [
        of("insert.clickhouse", f"ClickHouse, insert {rows:,} rows", 3.0, 2.5, 4.0, limit=4.664),
        of("insert.postgres", f"PostgreSQL, insert {rows:,} rows", 20.0),
        of("insert.clickhouse_with_rollup", f"ClickHouse, insert {rows:,} rows, with the aggregate", 5.0),
        of("insert_cpu.clickhouse", f"ClickHouse, insert {rows:,} rows: CPU", 99.0),
        of("aggregate.clickhouse_2", "ClickHouse, aggregate, 2 threads", 0.1, limit=0.27),
        of("aggregate.clickhouse_1", "ClickHouse, aggregate, 1 thread", 0.2),
        of("aggregate.postgres_1", "PostgreSQL, aggregate, 1 thread", 0.9),
        of("aggregate_cold.clickhouse", "ClickHouse, aggregate, cold, 2 threads", 99.0),
        of("aggregate_cpu.clickhouse_2", "ClickHouse, aggregate, 2 threads: CPU", 99.0),
    ]


@pytest.fixture
def make_storage(make_result: Make) -> Callable[[int], Shelf]:
    def make(rows: int) -> Shelf:
        settings = {"data, rows": f"{rows:,} in chunks of 500,000"}
        result = make_result(
            scale="standard", figures=storage_figures(rows), comparisons=[], settings=settings
        )
        return Shelf([result])

    return make


def test_loads_are_drawn_and_the_published_ones_apart_and_hollow(
    make_storage: Callable[[int], Shelf],
) -> None:
    chart = pictures_storage.insert(make_storage(10_000_000))
    assert chart is not None
    assert chart.title == "Inserting 10,000,000 rows"
    assert shown(chart) == {"ClickHouse": 3.0, "PostgreSQL": 20.0, "ClickHouse, with the aggregate": 5.0}
    assert [row.parts[0].colour for row in bars(chart)] == ["blue", "green", "blue"]
    assert shown(chart, 1) == {"ClickHouse": 46.64, "Vertica": 100.43}
    assert [row.hollow for panel in (0, 1) for row in bars(chart, panel)] == [False] * 3 + [True] * 2
    assert chart.panels[1].title.startswith("Published, not measured here")
    assert "another machine" in chart.panels[1].title
    # Who hears the picture hears it too.
    assert "another machine, 8 threads: ClickHouse 46.64 s; Vertica 100.43 s." in chart.alt


def test_published_loads_stand_beside_no_smaller_table(make_storage: Callable[[int], Shelf]) -> None:
    chart = pictures_storage.insert(make_storage(500_000))
    assert chart is not None
    assert len(chart.panels) == 1


def test_answers_are_drawn_by_threads(make_storage: Callable[[int], Shelf]) -> None:
    chart = pictures_storage.aggregate(make_storage(10_000_000))
    assert chart is not None
    (panel,) = chart.panels
    assert isinstance(panel, Lines)
    assert {line.text: [(p.x, p.y) for p in line.points] for line in panel.lines} == {
        "ClickHouse 100 ms": [(1, pytest.approx(200)), (2, pytest.approx(100))],
        "PostgreSQL 900 ms": [(1, pytest.approx(900))],
    }
    assert panel.mark is not None
    assert (panel.mark.value, panel.mark.text) == (pytest.approx(270), "target, from the published 0.27 s")


def test_growth_is_drawn_by_engine_from_the_longest_run(make_result: Make) -> None:
    def ran(scale: str, *sizes: int) -> Result:
        figures = [
            Figure(
                key=f"growth.{what}.{engine}.{rows}",
                name=f"{engine.upper()}, {what} {rows:,} rows",
                unit=unit,
                samples=[rows * factor],
            )
            for engine in ("duckdb", "postgres")
            for what, unit, factor in (
                ("insert", "s", 1e-6),
                ("aggregate", "s", 1e-9),
                ("size", "bytes", 20.0),
            )
            for rows in sizes
            if engine == "duckdb" or rows == sizes[0]
        ]
        cpu = Figure(key="growth.insert_cpu.duckdb.1", name="-", unit="s", samples=[9.0])
        return make_result(bench="growth", scale=scale, figures=[*figures, cpu], comparisons=[])

    chart = pictures_storage.growth(Shelf([ran("standard", 10, 100), ran("full", 3_000_000, 1_000_000)]))
    assert chart is not None
    panels = [panel for panel in chart.panels if isinstance(panel, Lines)]
    assert [(panel.title, panel.y_unit) for panel in panels] == [
        ("Insert", "s"),
        ("Aggregate", "ms"),
        ("On disk", "MB"),
    ]
    # PostgreSQL was measured at one size: that is no curve.
    assert [[line.text for line in panel.lines] for panel in panels] == [["DUCKDB"]] * 3
    assert [[p.y for p in panel.lines[0].points] for panel in panels] == [
        pytest.approx([1.0, 3.0]),
        pytest.approx([1.0, 3.0]),
        pytest.approx([20.0, 60.0]),
    ]
    assert "scale full" in chart.foot


def test_ways_in_are_drawn_the_fastest_first_with_who_works(make_result: Make) -> None:
    def of(what: str, way: str, batch: int, sample: float) -> Figure:
        name = f"{way.title()}, made here, {batch:,} rows a batch" + (
            "" if what == "rate" else f": CPU of {what}"
        )
        return Figure(key=f"formats.{what}.{way}.{batch}", name=name, unit="-", samples=[sample])

    figures = [
        *(of("rate", "rows", batch, rate) for batch, rate in ((1_000, 10e3), (50_000, 40e3))),
        *(of("rate", "csv", batch, rate) for batch, rate in ((50_000, 2e6), (1_000, 100e3))),
        of("rate", "arrow", 50_000, 500e3),
        *(of("client", way, 50_000, us) for way, us in (("rows", 20.0), ("csv", 0.1), ("arrow", 0.5))),
        *(of("server", way, 50_000, us) for way, us in (("rows", 2.0), ("csv", 0.3), ("arrow", 1.0))),
        of("client", "rows", 1_000, 99.0),
    ]
    chart = pictures_formats.formats(Shelf([make_result(bench="formats", figures=figures, comparisons=[])]))
    assert chart is not None
    assert chart.title == "The fastest way in takes 50.0 times the rows of the slowest"
    assert list(shown(chart)) == ["Csv, made here", "Arrow, made here", "Rows, made here"]
    assert list(shown(chart).values()) == [2e6, 500e3, 40e3]
    assert [[part.value for part in row.parts] for row in bars(chart, 1)] == [
        [0.1, 0.3],
        [0.5, 1.0],
        [20.0, 2.0],
    ]
    assert [row.text for row in bars(chart, 1)] == ["0.4 µs", "1.50 µs", "22.0 µs"]
    sizes = chart.panels[2]
    assert isinstance(sizes, Lines)
    assert {line.text: [p.x for p in line.points] for line in sizes.lines} == {
        "Csv, made here": [1_000, 50_000],
        "Rows, made here": [1_000, 50_000],
    }


def test_every_picture_can_be_drawn(
    make_storage: Callable[[int], Shelf], pipeline: Result, kafka_engine: Result
) -> None:
    shelf = Shelf([*make_storage(10_000_000).all, pipeline, kafka_engine])
    drawn = {chart.name: draw.svg(chart) for chart in pictures.charts(shelf)}
    assert list(drawn) == ["insert", "aggregate", "path", "kafka_engine"]
    assert all(draw.digest_in(picture) for picture in drawn.values())
