"""Figures that others published, beside ours and apart from them: no ratio is made of the two."""

from benchmarks import published
from benchmarks.frame.figures import Result
from benchmarks.report import words
from benchmarks.report.pictures_storage import BENCH, answers_by_engine, loads, rows_of, title

__all__ = ["BENCH", "table"]


def table(result: Result) -> str:
    """Ours and theirs, each with how many rows and where it was measured."""
    here, rows_here = f"here, {words.machine(result.machine)}", rows_of(result)
    there = f"**published**: {published.CONDITIONS}"
    aggregates = answers_by_engine(result)
    rows = []
    for engine, figure in loads(result).items():
        threads, answer = max(aggregates.get(engine, []), key=lambda each: each[0], default=(0, None))
        shown = "" if answer is None else f"{words.quantity(answer.median, answer.unit)}, {threads} threads"
        many = "" if rows_here is None else f"{rows_here:,}"
        rows.append((title(figure), many, words.quantity(figure.median, figure.unit), shown, here))
    theirs = {each.engine: f"{each.value_s:.2f} s" for each in published.of("aggregate")}
    for each in published.of("insert"):
        many, insert = f"{published.INSERT_ROWS:,}", f"{each.value_s:.2f} s"
        rows.append((each.engine, many, insert, theirs[each.engine], there))
    about = (
        "Ours beside what the product's owner published. The two were taken on different machines, in "
        "different ways: they show orders of magnitude, and no ratio on this page is made of both."
    )
    return f"{about}\n\n" + words.table(("engine", ">rows", ">insert", ">aggregate", "where"), rows)
