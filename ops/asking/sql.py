"""`ugc sql`: ask the warehouse in SQL, as the read-only analyst."""

import codecs
import sys
from collections.abc import Iterable
from typing import IO, Final

import click

from ops.asking.analyst import BINARY, FORMATS, TIMEOUT_S_MAX, Analyst, opened
from ops.asking.statements import split
from ops.terminal import console
from ops.terminal.spreadsheet import BYTE_ORDER_MARK
from telemetry.settings import Settings, load

TIMEOUT_S_DEFAULT: Final = 30


@click.command()
@click.option(
    "-c", "--command", "text", metavar="SQL", help="Run this and end. Several statements: a ; between."
)
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(list(FORMATS)),
    help="Default: table for a person, tsv for a pipe. A FORMAT in the SQL wins. spreadsheet is csv in which "
    "no text runs as a formula.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, TIMEOUT_S_MAX),
    default=TIMEOUT_S_DEFAULT,
    show_default=True,
    help="Seconds a statement may take.",
)
@console.json_option
def sql(text: str | None, output_format: str | None, timeout_s: float, as_json: bool) -> int:
    """Ask the warehouse in SQL, as the read-only user analyst, under its limits.

    Without -c it is a console, or reads statements from standard input when that is no terminal. The
    console keeps its history in <data_dir>/sql_history; \\? there lists its commands.

    \b
    Examples:
      ugc sql
      ugc sql -c 'SELECT event_type, count() FROM events_raw GROUP BY ALL'
      ugc sql -c 'SELECT * FROM events_raw LIMIT 10' --format vertical
      ugc sql --format csv < report.sql > report.csv
    """
    settings = load(Settings)
    interactive = text is None and sys.stdin.isatty()
    analyst = opened(settings, timeout_s=timeout_s)
    chosen = chosen_format(output_format, as_json=as_json)
    if interactive:
        # Only here: the console brings readline, which a script does not want.
        from ops.asking.prompt import Console  # noqa: PLC0415

        return Console(
            analyst, history=settings.data_dir / "sql_history", output_format=chosen or "table"
        ).run()
    run_all(text if text is not None else sys.stdin.read(), analyst, chosen or default_format())
    return 0


def chosen_format(output_format: str | None, *, as_json: bool) -> str | None:
    """What was asked for, if anything. Raises UsageError for two things at once."""
    if as_json and output_format not in (None, "json"):
        raise click.UsageError(f"--json and --format {output_format} are two formats; leave one out")
    return "json" if as_json else output_format


def default_format() -> str:
    """A table where a person looks, lines where a program does."""
    return "table" if sys.stdout.isatty() else "tsv"


def run_all(text: str, analyst: Analyst, output_format: str) -> None:
    """Run the statements one after another; the first that fails ends it."""
    statements = list(split(text))
    if not statements:
        raise click.UsageError("there is no statement: give one with -c, or on standard input")
    for statement in statements:
        show(analyst.ask(statement, output_format=output_format), binary=output_format in BINARY)


def show(pieces: Iterable[bytes], *, binary: bool = False, out: IO[bytes] | None = None) -> None:
    """An answer on standard output: as it is for a program; for a terminal, nothing that it obeys."""
    stream: IO[bytes] = out or sys.stdout.buffer
    for_person = stream.isatty()
    if for_person and binary:
        raise click.UsageError("this format is no text; send it to a file")
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    for piece in pieces:
        if for_person:
            text = decoder.decode(piece).removeprefix(BYTE_ORDER_MARK)
            stream.write(console.plain(text, keep="\n\t").encode())
        else:
            stream.write(piece)
    stream.flush()
