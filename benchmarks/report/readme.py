"""The handful of figures that decide, for the README: one table between its two markers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from benchmarks.frame.figures import Comparison, Figure, Result
from benchmarks.report import words
from benchmarks.report.shelf import SCALES, Shelf
from telemetry.errors import OperatorError

BEGIN, END = "<!-- figures -->\n", "<!-- end -->"
COLUMNS = ("figure", ">median", ">lowest to highest", ">n", "target")
LINK = "benchmarks/RESULTS.md"

Measured = TypeVar("Measured", Figure, Comparison)


class NoBlock(OperatorError):  # noqa: N818 - what happened, said to a person
    """The page has no place for the figures."""


@dataclass(frozen=True, slots=True)
class Pick:
    """Figures or comparisons whose whole key the pattern describes.

    Of those that differ only in the pattern's group `threads` the one with the most threads is shown.
    `name` where the bench's own is not enough without its section; `scales` where a target speaks of more
    than the standard scale has, which is shown where nobody measured more.
    """

    bench: str
    pattern: str
    name: str = ""
    scales: tuple[str, ...] = SCALES

    def of(self, measured: Iterable[Measured]) -> list[Measured]:
        """Those it picks, in their order."""
        picked: dict[str, tuple[int, Measured]] = {}
        for each in measured:
            found = re.fullmatch(rf"{self.bench}\.{self.pattern}", each.key)
            if found:
                threads = int(found.groupdict().get("threads") or 0)
                same = each.key[: found.start("threads")] if threads else each.key
                if same not in picked or picked[same][0] < threads:
                    picked[same] = (threads, each)
        return [each for _, each in picked.values()]


COLD: Final = "by somebody who has read nothing yet: p95"
LARGEST: Final = ("full", "standard", "quick")
# In this order; what was not measured is left out.
PICKS: Final = (
    Pick("startup", "ready"),
    Pick("startup", "first_event"),
    Pick("startup", "idle"),
    Pick("pipeline", r"end_to_end\.b100"),
    Pick("pipeline", r"visible\.p99"),
    Pick(
        "collector",
        r"one\.bare",
        "CPU of a request of one event, our collector / a bare Flask route that produces it",
    ),
    Pick("collector", r"hundred\.core"),
    Pick("collector", r"hundred\.p99"),
    Pick("collector", r"quiet\.p99"),
    Pick("collector", "validation"),
    Pick("collector", "rss"),
    Pick(
        "kafka_engine", r"etl\.uuid7\.tuned", "time of a row, our ETL / ClickHouse's own Kafka engine, tuned"
    ),
    Pick("ids", r"new\.uuid7\.wall", scales=LARGEST),
    Pick("ids", r"new\.uuid4\.wall"),
    Pick("recovery", "first_commit"),
    Pick("recovery", "catch_up"),
    Pick("recovery", r"memory\.etl", scales=LARGEST),
    Pick("stats", r"call\.(?:dau|top_events|daily|retention|retention_7d|returning)"),
    Pick("stats", r"call\.(?:daily_zone|daily_exact|retention_zone)"),
    Pick("stats", r"p95\.daily", f"daily, 30 days, {COLD}"),
    Pick("stats", r"p95\.daily_zone", f"daily, 30 days of a zone, {COLD}"),
    Pick("stats", r"p95\.daily_exact", f"daily, exact=true, {COLD}"),
    Pick("stats", r"call\.(?:dau_country|retention_country|dau_device)"),
    Pick("stats", r"p95\.dau_device", f"dau, properties.device=android, {COLD}"),
    Pick("stats", r"p95\.dau_device_named", f"the same in a named column, {COLD}"),
    Pick("storage", r"insert\.\w+"),
    Pick("storage", "bare_insert", "CPU of a row, insert over HTTP / bare Arrow insert in process"),
    Pick("storage", "rollup", "time of the question, from the aggregate / from raw"),
    Pick("storage", r"aggregate\.\w+?_(?P<threads>\d+)"),
)


def block(shelf: Shelf) -> str:
    """The table and where it is from, as they stand between the markers."""
    rows, said = [], []
    for pick in PICKS:
        result = shelf.find(pick.bench, scales=pick.scales)
        if result is None:
            continue
        figures, comparisons = pick.of(result.figures), pick.of(result.comparisons)
        rows += [_figure(pick, result, each) for each in figures]
        rows += [_comparison(pick, result, each) for each in comparisons]
        if (figures or comparisons) and result not in said:
            said.append(result)
    return f"{words.table(COLUMNS, rows)}\n\n{_where(said)}\n"


def placed(page: str, table: str) -> str:
    """The page with `table` between the markers. Raises NoBlock."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoBlock(f"README.md has no {BEGIN.strip()} … {END}; put the two lines where the figures belong")
    return before + begin + table + end + after


def _figure(pick: Pick, result: Result, figure: Figure) -> tuple[str, ...]:
    return (
        (pick.name or figure.name) + _smaller(result),
        words.quantity(figure.median, figure.unit),
        _range(figure),
        str(len(figure.samples)),
        words.target(figure.target, better=figure.better, reached=figure.reached, unit=figure.unit),
    )


def _comparison(pick: Pick, result: Result, held: Comparison) -> tuple[str, ...]:
    return (
        (pick.name or held.name) + _smaller(result),
        words.ratio(held.ratio),
        f"{words.ratio(min(held.ratios))} to {words.ratio(max(held.ratios))}",
        f"{len(held.ratios)} pairs",
        words.target(held.target, better=held.better, reached=held.reached, unit="x"),
    )


def _range(figure: Figure) -> str:
    if len(figure.samples) == 1:
        return ""
    divisor, unit = words.scale(figure.median, figure.unit)
    lowest, highest = (words.number(each / divisor) for each in (min(figure.samples), max(figure.samples)))
    return f"{lowest} to {highest} {unit}".rstrip()


def _smaller(result: Result) -> str:
    """Says so where a figure was not measured at the scale that the page speaks of."""
    return "" if result.scale == "standard" else f" (scale {result.scale})"


def _where(said: list[Result]) -> str:
    machines = list(dict.fromkeys(words.machine(each.machine) for each in said))
    days = sorted({each.started_at[:10] for each in said})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return (
        f"Measured {when} on {' and on '.join(machines)}. [All figures, the checks behind them and how to "
        f"run them again]({LINK})."
    )
