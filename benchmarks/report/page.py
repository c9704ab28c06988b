"""RESULTS.md, from its first line to its last."""

from collections.abc import Sequence
from html import escape

from benchmarks.capacity import assumptions, measured, rows, show
from benchmarks.frame.figures import Result
from benchmarks.frame.show import duration
from benchmarks.report import bottleneck, published_beside, sections, words
from benchmarks.report.chart import Chart
from benchmarks.report.shelf import Shelf, rerun

INTRODUCTION = """\
# Results

What the benches measured, from `benchmarks/results/*.json` alone. This page is made by
`python -m benchmarks report`; a test fails when it says something else than the results do.

## How to run it again

```console
$ make bench-quick    # small, with every check: 3 minutes; what takes longer only by name
$ make bench          # what stands here: half an hour, leave the machine alone
$ make bench-full     # up to 100 million rows: hours
```

One bench alone: `.venv/bin/python -m benchmarks run NAME`. Two results held against each other:
`.venv/bin/python -m benchmarks compare OLD.json NEW.json`. This page:
`.venv/bin/python -m benchmarks report`.

## How to read it

- Absolute figures belong to the machine they were measured on. Ratios inside one run are what carries over,
  and only they have targets that can fail a run.
- CPU time comes first, wall time second: it suffers least from whatever else a machine does.
- Two things are held against each other in alternating pairs, each measurement after a fixed piece of work,
  the baseline. Where the baseline moved the pair is taken again; where it keeps moving the run is refused.
- p95 is a sample that was taken, nothing is interpolated. The spread is (highest - lowest) / median.
- Before a figure counts, its data are checked against what the generator knows; a mismatch voids the run.
- What could not be run is named with the reason, and never imitated."""


def rendered(shelf: Shelf, charts: Sequence[Chart]) -> str:
    """The page. Raises Unmeasured where a bench that was run lacks a figure that the page speaks of."""
    parts = [INTRODUCTION, "## What was run", _overview(shelf)]
    for result in shelf.all:
        speaks = shelf.find(result.bench) is result
        drawn = [picture(each) for each in charts if speaks and each.bench == result.bench]
        beside = [published_beside.table(result)] if result.bench == published_beside.BENCH else []
        parts.append(sections.section(result, [*drawn, *beside], heading=heading(shelf, result)))
    parts += ["## What is the bottleneck, and how we would remove it", _bottleneck(shelf)]
    parts += ["## Capacity on paper", *_capacity(shelf)]
    return "\n\n".join(parts) + "\n"


def picture(chart: Chart) -> str:
    """The picture on the page, with its words for who cannot see it."""
    return f'<img src="results/plots/{chart.name}.svg" alt="{escape(chart.alt)}">'


def _overview(shelf: Shelf) -> str:
    columns = ("bench", "scale", "when", ">took", ">checks held", ">baseline drift", "code", "machine")
    return words.table(
        columns,
        [
            (
                f"[{heading(shelf, each)}](#{anchor(heading(shelf, each))})",
                each.scale,
                each.started_at[:10],
                duration(each.elapsed_s),
                str(len(each.checks)),
                words.percent(each.baseline.drift),
                each.versions.get("ugc", ""),
                words.machine(each.machine),
            )
            for each in shelf.all
        ],
    )


def heading(shelf: Shelf, result: Result) -> str:
    """What its section is called: the bench, and the scale where another result speaks for it."""
    name = sections.title(result.bench)
    return name if shelf.find(result.bench) is result else f"{name}, {result.scale}"


def anchor(title: str) -> str:
    """Where the page's host lets that section begin."""
    return title.lower().replace(" ", "-").replace(",", "")


def _bottleneck(shelf: Shelf) -> str:
    if shelf.find(bottleneck.BENCH) is None:
        return f"Not measured yet: `{rerun(bottleneck.BENCH)}`."
    return bottleneck.filled(shelf)


def _capacity(shelf: Shelf) -> list[str]:
    missing = [bench for bench in measured.benches() if shelf.find(bench) is None]
    if missing:
        return [f"Not measured yet: {', '.join(f'`{rerun(each)}`' for each in missing)}."]
    paper = show.work_out(shelf, assumptions.read())
    about = (
        "What was measured here, multiplied. `python -m benchmarks capacity` works it out anew from "
        "`benchmarks/capacity/assumptions.toml` and the results."
    )
    said = [about]
    for each in rows.tables(paper):
        said += [f"### {each.title}", each.about, words.table(each.columns, each.rows)]
    return said
