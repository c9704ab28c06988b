"""`make bench`: measure the local stack from a stranger's first minute on."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.startup import Figure, measure
from telemetry.clock import SystemClock


def main() -> int:
    """Print the figures; exit 1 when one misses its target."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="fresh stacks to start (default 3)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ugc-bench-") as scratch:
        figures = measure(Path(scratch), rounds=options.rounds, clock=SystemClock())
    if options.json:
        sys.stdout.write(json.dumps([figure.as_dict() for figure in figures]) + "\n")
    else:
        _show(figures)
    return 0 if all(figure.reached for figure in figures) else 1


def _show(figures: list[Figure]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("figure", "median", "all rounds", "target"):
        table.add_column(title, justify="left" if title == "figure" else "right")
    for figure in figures:
        style = "green" if figure.reached else "red"
        rounds = " ".join(f"{value:g}" for value in figure.values)
        table.add_row(
            figure.name, f"[{style}]{figure.median:g} {figure.unit}[/]", rounds, f"≤ {figure.target:g}"
        )
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
