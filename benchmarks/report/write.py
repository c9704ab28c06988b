"""`python -m benchmarks report [--check]`: RESULTS.md, the pictures and the README's table.

Everything is made from `benchmarks/results/*.json` and what stands in the repository; the same results give
the same pages on every machine. Where nothing was measured yet there is nothing to write, and nothing stale.
"""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import draw, page, pictures, readme
from benchmarks.report.chart import Chart
from benchmarks.report.shelf import Shelf, Unmeasured

RESULTS = Path("benchmarks/results")
PAGE = Path("benchmarks/RESULTS.md")
PICTURES = RESULTS / "plots"
README = Path("README.md")
COMMAND = "python -m benchmarks report"


@dataclass(frozen=True, slots=True)
class Report:
    """What should stand in the repository: texts by path, and charts by the path of their picture."""

    texts: dict[Path, str]
    charts: dict[Path, Chart]


def rendered(root: Path) -> Report:
    """Everything, in memory. Raises OperatorError where a result cannot be read or lacks a figure."""
    shelf = Shelf.at(root / RESULTS)
    if not shelf.all:
        return Report({}, {})
    charts = pictures.charts(shelf)
    before = (root / README).read_text(encoding="utf-8")
    return Report(
        texts={PAGE: page.rendered(shelf, charts), README: readme.placed(before, readme.block(shelf))},
        charts={PICTURES / f"{chart.name}.svg": chart for chart in charts},
    )


def write(root: Path) -> list[Path]:
    """Write what is not as it should be; the paths written or removed. Raises Unmeasured without results."""
    report = rendered(root)
    if not report.texts:
        raise Unmeasured("there are no results in benchmarks/results; measure first: make bench")
    changed = []
    for path, text in report.texts.items():
        if _text(root / path) != text:
            (root / path).write_text(text, encoding="utf-8", newline="\n")
            changed.append(root / path)
    for path, chart in report.charts.items():
        if _is_stale(root / path, chart):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(draw.svg(chart))
            changed.append(root / path)
    for path in _left_over(root, report):
        path.unlink()
        changed.append(path)
    return changed


def stale(root: Path) -> list[str]:
    """One line for each page or picture that says something else than the results; empty when fresh."""
    report = rendered(root)
    wrong = [path for path, text in report.texts.items() if _text(root / path) != text]
    wrong += [path for path, chart in report.charts.items() if _is_stale(root / path, chart)]
    wrong += [path.relative_to(root) for path in _left_over(root, report)]
    return [f"{path.as_posix()} is not what the results say; run: {COMMAND}" for path in wrong]


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


def _is_stale(path: Path, chart: Chart) -> bool:
    return not path.is_file() or draw.digest_in(path.read_bytes()) != draw.digest(chart)


def _left_over(root: Path, report: Report) -> list[Path]:
    """Pictures nobody draws any more, and a page about nothing."""
    pictures_there = sorted((root / PICTURES).glob("*.svg"))
    found = [path for path in pictures_there if path.relative_to(root) not in report.charts]
    if PAGE not in report.texts and (root / PAGE).is_file():
        found.append(root / PAGE)
    return found
