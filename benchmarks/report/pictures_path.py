"""Pictures of the way of an event: what sets its pace, and our ETL beside ClickHouse's own Kafka engine."""

from typing import Final

from benchmarks.frame.figures import Figure, Result
from benchmarks.report import bottleneck, words
from benchmarks.report.chart import Bars, Chart, Mark, Part, Row
from benchmarks.report.picture_parts import OTHER, PROCESSES, bar, foot, matching
from benchmarks.report.shelf import Shelf

ENGINE_BENCH: Final = "kafka_engine"
SIDES: Final = {
    "etl": "our ETL",
    "engine": "Kafka engine, tuned",
    "engine_large": "Kafka engine, large blocks",
}
IDS: Final = {"uuid7": "UUIDv7", "uuid4": "UUIDv4"}


def path(shelf: Shelf) -> Chart | None:
    """What an event costs each process, and which of them has nothing left to give."""
    result = shelf.find(bottleneck.BENCH)
    if result is None:
        return None
    by_cost = [each.process for each in bottleneck.parts(shelf)]

    def rows(key: str, unit: str) -> list[Row]:
        return [
            bar(name, shelf.figure(key.format(process=process)), colour, unit=unit)
            for process in by_cost
            for name, colour in [PROCESSES[process]]
        ]

    return Chart(
        name="path",
        bench=result.bench,
        title=bottleneck.verdict(shelf).sentence,
        subtitle="A hundred events a request, from the first request until the daily users are right",
        foot=foot(result),
        columns=2,
        panels=[
            Bars(title="CPU by event", unit="µs, lower is better", rows=rows(bottleneck.CPU, "µs")),
            Bars(
                title="Busy meanwhile",
                unit="% of one core",
                mark=Mark(value=100, text="one core"),
                rows=rows(bottleneck.BUSY, "%"),
            ),
        ],
    )


def engine(shelf: Shelf) -> Chart | None:
    """Rows a second and CPU of a row, ours and the engine's, draining the same topic."""
    result = shelf.find(ENGINE_BENCH)
    rates = list(matching(result, rf"{ENGINE_BENCH}\.rows\.(?P<side>\w+)\.(?P<ids>\w+)")) if result else []
    if result is None or not rates:
        return None
    ratio = shelf.find_comparison(f"{ENGINE_BENCH}.etl.uuid7.tuned")
    title = "Our ETL and ClickHouse's own Kafka engine drain the same topic"
    if ratio is not None:
        title = f"Our ETL takes {words.ratio(ratio.ratio)} the time of ClickHouse's own Kafka engine"
        large = shelf.find_comparison(f"{ENGINE_BENCH}.etl.uuid7.large")
        if large is not None:
            title += f", {words.ratio(large.ratio)} of one with large blocks"
    return Chart(
        name="kafka_engine",
        bench=result.bench,
        title=title,
        subtitle="The same records into the same tables, in turn; only the ETL looks for ids it has already",
        foot=foot(result),
        panels=[
            Bars(
                title="Stored",
                unit="rows/s, higher is better",
                rows=[
                    bar(_label(found), figure, "blue" if found["side"] == "etl" else "grey")
                    for found, figure in rates
                ],
            ),
            *_cpu_panel(result),
        ],
    )


def _cpu_panel(result: Result) -> list[Bars]:
    pattern = rf"{ENGINE_BENCH}\.cpu\.(?P<side>\w+)\.(?P<ids>\w+)\.(?P<role>\w+)"
    by_label: dict[str, dict[str, Figure]] = {}
    for found, figure in matching(result, pattern):
        by_label.setdefault(_label(found), {})[found["role"]] = figure
    # The processes in one order, so that equal colours stand below each other.
    rows = [
        Row(
            label=label,
            parts=[_part(role, by_role[role]) for role in sorted(by_role, key=_place)],
            text=f"{words.number(sum(figure.median for figure in by_role.values()))} µs",
        )
        for label, by_role in by_label.items()
    ]
    return [Bars(unit="CPU of a row, µs, lower is better", rows=rows)] if rows else []


def _part(role: str, figure: Figure) -> Part:
    name, colour = PROCESSES.get(role, (role, OTHER))
    return Part(name=name, value=figure.median, colour=colour)


def _place(role: str) -> tuple[int, str]:
    order = list(PROCESSES)
    return (order.index(role) if role in PROCESSES else len(order), role)


def _label(found: dict[str, str]) -> str:
    return f"{SIDES.get(found['side'], found['side'])}, {IDS.get(found['ids'], found['ids'])}"
