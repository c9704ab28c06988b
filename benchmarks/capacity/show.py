"""`python -m benchmarks capacity`: the paper, worked out anew from the results and the assumptions."""

from pathlib import Path

import click
import msgspec
from rich.markup import escape
from rich.table import Table

from benchmarks.capacity import assumptions, measured, rows
from benchmarks.frame import results
from benchmarks.report.shelf import Shelf
from contract.topics import EVENTS
from ops.terminal import console
from telemetry.errors import OperatorError


def work_out(shelf: Shelf, given: assumptions.Assumptions) -> rows.Paper:
    """The paper of these results. Raises Unmeasured, naming what is missing and the bench to run."""
    return rows.work_out(measured.gather(shelf), given, partitions=EVENTS.partitions)


@click.command(name="capacity")
@click.option(
    "--results",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=results.DIRECTORY,
    help="Where the results lie.  [default: benchmarks/results]",
)
@click.option(
    "--assumptions",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=assumptions.FILE,
    help="Your own copy of the assumptions.  [default: benchmarks/capacity/assumptions.toml]",
)
@console.json_option
def capacity(directory: Path, file: Path, as_json: bool) -> int:
    """How many machines 1x, 100x and 10,000x the sold load need, and what they cost, on paper.

    Multiplies what the benches measured; what nobody measured is assumed in a file, with its reason.
    """
    paper = work_out(Shelf.at(directory), assumptions.read(file))
    if as_json:
        click.echo(msgspec.json.encode(paper))
        return 0
    out = console.out()
    for each in rows.tables(paper):
        out.print(f"\n[bold]{escape(each.title)}[/]\n[dim]{escape(each.about)}[/]\n")
        table = Table(box=None, pad_edge=False, header_style="dim")
        for title in each.columns:
            table.add_column(title.removeprefix(">"), justify="right" if title.startswith(">") else "left")
        for row in each.rows:
            table.add_row(*(escape(cell.replace("`", "")) for cell in row))
        out.print(table)
    return 0


def main(arguments: list[str]) -> int:
    """Run it; its exit code. What is missing is one line, never a traceback."""
    try:
        code = capacity.main(args=arguments, prog_name="python -m benchmarks capacity", standalone_mode=False)
    except OperatorError as error:
        console.fail(error, as_json=console.wants_json(arguments))
        return 1
    return code if isinstance(code, int) else 0
