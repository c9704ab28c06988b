"""Pictures of the owner's table: into every engine, out of every engine, by format, and as it grows."""

import re
from typing import Final

from benchmarks import published
from benchmarks.frame.figures import Figure, Result
from benchmarks.report import words
from benchmarks.report.chart import Bars, Chart, Line, Lines, Mark, Part, Point, Row
from benchmarks.report.picture_parts import bar, engine_colour, foot, matching
from benchmarks.report.shelf import Shelf

BENCH: Final = "storage"
ENGINE: Final = r"(?P<engine>[a-z]\w*?)"
# The longest run shows most of a curve.
SCALES_OF_GROWTH: Final = ("full", "standard", "quick")


def insert(shelf: Shelf) -> Chart | None:
    """Seconds to take the whole table in, ours and the published ones."""
    result = shelf.find(BENCH)
    taken = loads(result) if result else {}
    if result is None or not taken:
        return None
    return Chart(
        name="insert",
        bench=BENCH,
        title=f"Inserting {_rows_said(result)}",
        subtitle="The same bytes for every engine, each by its fastest way in",
        foot=foot(result),
        panels=[
            Bars(
                title="Measured here",
                unit="seconds, lower is better",
                rows=[bar(title(figure), figure, engine_colour(engine)) for engine, figure in taken.items()],
            ),
            *_published("insert", of=result),
        ],
    )


def aggregate(shelf: Shelf) -> Chart | None:
    """Milliseconds for the owner's question, by threads."""
    result = shelf.find(BENCH)
    by_engine = answers_by_engine(result) if result else {}
    if result is None or not by_engine:
        return None
    lines = []
    for engine, answers in by_engine.items():
        last = answers[-1][1]
        lines.append(
            Line(
                name=engine_of(last),
                text=f"{engine_of(last)} {words.quantity(last.median, 's')}",
                colour=engine_colour(engine),
                points=[Point(x=threads, y=figure.median * 1e3) for threads, figure in answers],
            )
        )
    target = next((f.target for answers in by_engine.values() for _, f in answers if f.target), None)
    return Chart(
        name="aggregate",
        bench=BENCH,
        title=f"Counting and averaging {_rows_said(result)} by event type",
        subtitle="SELECT event_type, count(), avg(value) … GROUP BY event_type, warm, asked again and again",
        foot=foot(result, spread=False),
        panels=[
            Lines(
                x_unit="threads",
                y_unit="ms",
                lines=lines,
                mark=Mark(value=target.limit * 1e3, text=f"target, from the published {target.limit:g} s")
                if target
                else None,
            )
        ],
    )


def growth(shelf: Shelf) -> Chart | None:
    """Insert, aggregate and size against rows: a straight line of slope one is in proportion."""
    result = shelf.find("growth", scales=SCALES_OF_GROWTH)
    if result is None:
        return None
    kinds: tuple[tuple[str, str, str, float], ...] = (
        ("insert", "Insert", "s", 1.0),
        ("aggregate", "Aggregate", "ms", 1e3),
        ("size", "On disk", "MB", 1e-6),
    )
    panels = [
        Lines(title=name, x_unit="rows", y_unit=unit, log=True, lines=lines)
        for what, name, unit, factor in kinds
        if (lines := _curves(result, what, factor))
    ]
    if not panels:
        return None
    return Chart(
        name="growth",
        bench="growth",
        title="As the table grows",
        subtitle="Both axes by tens: in proportion is ten times up for ten times to the right",
        foot=foot(result, spread=False),
        panels=list(panels),
        columns=len(panels),
    )


def _curves(result: Result, what: str, factor: float) -> list[Line]:
    by_engine: dict[str, list[tuple[float, Figure]]] = {}
    for found, figure in matching(result, rf"growth\.{what}\.{ENGINE}\.(?P<rows>\d+)"):
        by_engine.setdefault(found["engine"], []).append((float(found["rows"]), figure))
    return [
        Line(
            name=engine_of(sizes[0][1]),
            text=engine_of(sizes[0][1]),
            colour=engine_colour(engine),
            points=[Point(x=rows, y=figure.median * factor) for rows, figure in sorted(sizes, key=_size)],
        )
        for engine, sizes in by_engine.items()
        # One place is no curve.
        if len(sizes) > 1
    ]


def _size(each: tuple[float, Figure]) -> float:
    return each[0]


def loads(result: Result) -> dict[str, Figure]:
    """Seconds to insert the whole table, by engine."""
    return {found["engine"]: figure for found, figure in matching(result, rf"{BENCH}\.insert\.{ENGINE}")}


def answers_by_engine(result: Result) -> dict[str, list[tuple[int, Figure]]]:
    """Seconds to answer the owner's question, by engine and rising number of threads."""
    found_by: dict[str, list[tuple[int, Figure]]] = {}
    for found, figure in matching(result, rf"{BENCH}\.aggregate\.{ENGINE}_(?P<threads>\d+)"):
        found_by.setdefault(found["engine"], []).append((int(found["threads"]), figure))
    return {engine: sorted(answers, key=lambda each: each[0]) for engine, answers in found_by.items()}


def _published(what: published.What, *, of: Result) -> list[Bars]:
    """What others published, hollow, in a scale of its own; only beside a table of as many rows."""
    if rows_of(of) != published.INSERT_ROWS:
        return []
    rows = [
        Row(
            label=each.engine,
            parts=[Part(name=each.engine, value=each.value_s, colour=engine_colour(each.engine.lower()))],
            text=f"{each.value_s:.2f} s",
            hollow=True,
        )
        for each in published.of(what)
    ]
    title = f"Published, not measured here, another scale: {published.CONDITIONS}"
    return [Bars(title=title, unit="seconds", rows=rows)]


def engine_of(figure: Figure) -> str:
    """The engine as the bench calls it: its figures' names begin with it."""
    return figure.name.partition(", ")[0]


def title(figure: Figure) -> str:
    """The engine, and what is special: "ClickHouse, insert 10 rows, with a view"
    is ClickHouse, with a view."""
    engine, *what = figure.name.split(", ")
    return ", ".join([engine, *what[1:]])


def rows_of(result: Result) -> int | None:
    """How many rows the table had, as the bench noted it."""
    found = re.match(r"[\d,]+", result.settings.get("data, rows", ""))
    return int(found[0].replace(",", "")) if found else None


def _rows_said(result: Result) -> str:
    rows = rows_of(result)
    return "the table" if rows is None else f"{rows:,} rows"
