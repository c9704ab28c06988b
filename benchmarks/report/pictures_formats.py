"""Picture of the ways into ClickHouse: how fast each is, who works for it, and what a batch's size does."""

from collections.abc import Iterable
from typing import Final

from benchmarks.frame.figures import Figure, Result
from benchmarks.report import words
from benchmarks.report.chart import Bars, Chart, Colour, Line, Lines, Part, Point, Row
from benchmarks.report.picture_parts import bar, foot, matching
from benchmarks.report.shelf import Shelf

BENCH: Final = "formats"
COLOURS: Final[tuple[Colour, ...]] = ("blue", "vermilion", "green", "purple", "amber", "grey")
# Who works -> what the page calls him, and his colour.
WORKERS: Final[dict[str, tuple[str, Colour]]] = {
    "client": ("client: our driver", "vermilion"),
    "server": ("server: ClickHouse", "blue"),
}


def formats(shelf: Shelf) -> Chart | None:
    """Rows a second and CPU of a row by way in the largest batches, and the rate by size of the batch."""
    result = shelf.find(BENCH)
    rates = _by_way(result, "rate") if result else {}
    if result is None or not rates:
        return None
    largest = max(batch for batches in rates.values() for batch in batches)
    fastest = sorted(
        (way for way in rates if largest in rates[way]), key=lambda way: -rates[way][largest].median
    )
    panels: list[Bars | Lines] = [
        Bars(
            title=f"In batches of {largest:,} rows",
            unit="rows/s, higher is better",
            rows=[bar(title(rates[way][largest]), rates[way][largest], "grey") for way in fastest],
        ),
        *_work(result, fastest, largest),
        *_sizes(rates, fastest),
    ]
    return Chart(
        name="formats",
        bench=BENCH,
        title=_headline(rates[fastest[0]][largest], rates[fastest[-1]][largest]),
        subtitle="The same rows over HTTP with one connection; making what is sent is part of the load",
        foot=foot(result),
        panels=panels,
    )


def _headline(fastest: Figure, slowest: Figure) -> str:
    if fastest is slowest:
        return f"The way in: {title(fastest)}"
    times = words.number(fastest.median / slowest.median)
    return f"The fastest way in takes {times} times the rows of the slowest"


def _work(result: Result, ways: Iterable[str], batch: int) -> list[Bars]:
    spent = {who: _by_way(result, who) for who in WORKERS}
    rows = []
    for way in ways:
        mine = {who: figures[way][batch] for who, figures in spent.items() if batch in figures.get(way, {})}
        if mine:
            rows.append(
                Row(
                    label=title(next(iter(mine.values()))),
                    parts=[
                        Part(name=WORKERS[who][0], value=figure.median, colour=WORKERS[who][1])
                        for who, figure in mine.items()
                    ],
                    text=f"{words.number(sum(figure.median for figure in mine.values()))} µs",
                )
            )
    return [Bars(unit="CPU of a row, µs, lower is better", rows=rows)] if rows else []


def _sizes(rates: dict[str, dict[int, Figure]], ways: list[str]) -> list[Lines]:
    lines = [
        Line(
            name=title(next(iter(rates[way].values()))),
            text=title(next(iter(rates[way].values()))),
            colour=COLOURS[place % len(COLOURS)],
            points=[Point(x=batch, y=figure.median) for batch, figure in sorted(rates[way].items())],
        )
        for place, way in enumerate(ways)
        # One place is no curve.
        if len(rates[way]) > 1
    ]
    unit = "rows a batch"
    return (
        [Lines(title="By size of the batch", x_unit=unit, y_unit="rows/s", log=True, lines=lines)]
        if lines
        else []
    )


def _by_way(result: Result, what: str) -> dict[str, dict[int, Figure]]:
    found_by: dict[str, dict[int, Figure]] = {}
    for found, figure in matching(result, rf"{BENCH}\.{what}\.(?P<way>\w+)\.(?P<batch>\d+)"):
        found_by.setdefault(found["way"], {})[int(found["batch"])] = figure
    return found_by


def title(figure: Figure) -> str:
    """The way as the bench calls it: before the size of the batch."""
    return figure.name.rpartition(", ")[0]
