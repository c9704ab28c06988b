"""What pictures share: colours by name, a figure as a bar, where figures are from."""

import re
from collections.abc import Iterator
from typing import Final

from benchmarks.frame.figures import Figure, Result
from benchmarks.report import words
from benchmarks.report.chart import Colour, Part, Row

# The beginning of an engine's word in a key -> its name and colour, the same in every picture.
ENGINES: Final[dict[str, tuple[str, Colour]]] = {
    "clickhouse": ("ClickHouse", "blue"),
    "chdb": ("ClickHouse", "blue"),
    "duckdb": ("DuckDB", "amber"),
    "postgres": ("PostgreSQL", "green"),
    "vertica": ("Vertica", "purple"),
}
PROCESSES: Final[dict[str, tuple[str, Colour]]] = {
    "api": ("collector", "vermilion"),
    "broker": ("broker", "green"),
    "etl": ("ETL", "blue"),
    "warehouse": ("warehouse", "purple"),
}
OTHER: Final[Colour] = "grey"


def engine_colour(word: str) -> Colour:
    """The colour of the engine a word of a key begins with; grey for one that is new."""
    return next((colour for start, (_, colour) in ENGINES.items() if word.startswith(start)), OTHER)


def matching(result: Result, pattern: str) -> Iterator[tuple[dict[str, str], Figure]]:
    """The figures whose whole key the pattern describes, with what its groups found, in their order."""
    for figure in result.figures:
        found = re.fullmatch(pattern, figure.key)
        if found:
            yield found.groupdict(), figure


def bar(label: str, figure: Figure, colour: Colour, *, unit: str | None = None) -> Row:
    """A figure as a bar as long as its median, with the spread of its samples where there are several."""
    several = len(figure.samples) > 1
    return Row(
        label=label,
        parts=[Part(name=label, value=figure.median, colour=colour)],
        text=f"{words.rounded(figure.median)} {figure.unit if unit is None else unit}",
        lowest=min(figure.samples) if several else None,
        highest=max(figure.samples) if several else None,
    )


def foot(result: Result, *, spread: bool = True) -> str:
    """Where a picture's figures are from, and what is drawn of them."""
    machine = result.machine
    drawn = "medians; thin lines from lowest to highest" if spread else "medians"
    return (
        f"{result.bench}, scale {result.scale}, {result.started_at[:10]} · {machine.cpu}, "
        f"{machine.cores} cores, {machine.memory_gib:g} GiB · {drawn}"
    )
