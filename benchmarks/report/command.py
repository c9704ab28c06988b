"""`python -m benchmarks report [--check]`."""

from pathlib import Path

import click

from benchmarks.report import write
from ops.terminal import console

ROOT = Path(__file__).parents[2]


@click.command()
@click.option(
    "--check", is_flag=True, help="Write nothing; exit with 1 when a page is not what it should be."
)
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=ROOT,
    help="The clone whose results and pages are meant.  [default: this one]",
)
@console.json_option
def report(check: bool, root: Path, as_json: bool) -> int:
    """Write RESULTS.md, its pictures and the README's table from the results."""
    wrong = write.stale(root) if check else []
    written = [] if check else [path.relative_to(root).as_posix() for path in write.write(root)]
    if as_json:
        console.print_json({"stale": wrong, "written": written})
    else:
        for line in [*wrong, *(f"written: {name}" for name in written)]:
            click.echo(line)
        if not wrong and not written:
            click.echo("everything says what the results say")
    return 1 if wrong else 0
