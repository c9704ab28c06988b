"""`ugc dlq`: the records of the log that could not become rows, and what to do about them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from rich.markup import escape

from ops.dlq import files, showing
from ops.dlq.box import DeadBox, DlqFailed
from ops.dlq.options import Filters, filters
from ops.dlq.reading import opened, require_all
from ops.dlq.settling import settle
from ops.terminal import console
from ops.terminal.progress import progress_bar
from telemetry.clock import SystemClock

F = TypeVar("F", bound=Callable[..., Any])

LISTED_MAX: Final = 10_000


@click.group()
def dlq() -> None:
    """Look after the dead letters: records of the log that could not become rows.

    Each lies in the topic events.dead with its bytes, its reason and its origin, for 30 days at least. Its id
    is the record's place in the log, TOPIC_ID:PARTITION:OFFSET. Every verb takes --json.

    \b
    Examples:
      ugc dlq list                                how many, of what, and the newest
      ugc dlq show hC2…Zg:2:1234                  one with its bytes, and what to do
      ugc dlq retry --reason version_unknown      send them again, after an upgrade
      ugc dlq discard --reason tombstone --yes    they need nobody's attention
      ugc dlq export letters.csv --since 7d       for a closer look elsewhere
    """


@dlq.command(name="list")
@filters
@click.option(
    "--limit",
    type=click.IntRange(0, LISTED_MAX),
    default=20,
    show_default=True,
    help="How many of the newest to name.",
)
@click.option("--settled", is_flag=True, help="Also those that were retried or discarded.")
@console.json_option
def list_(limit: int, settled: bool, as_json: bool, **filtered: Any) -> None:
    """Count the letters by reason, and name the newest.

    \b
    Examples:
      ugc dlq list
      ugc dlq list --reason not_json --partition 2 --since 2h --limit 100 --json
    """
    wanted = Filters(**filtered).wanted(settled=settled, clock=SystemClock())
    box, index = opened(hidden=as_json)
    rows = index.find(wanted)
    newest = rows[len(rows) - min(limit, len(rows)) :]
    named = [(letter, index.state(row)) for letter, row in box.letters(index, newest)][::-1]
    if as_json:
        document = {
            "letters": len(rows),
            "reasons": showing.reason_counts(index.by_reason(rows)),
            "newest": [showing.brief(letter, state) for letter, state in named],
            "states": index.by_state(),
            "not_letters": index.not_letters,
        }
        console.print_json(document)
        return
    out = console.out()
    any_filter = Filters(**filtered).any()
    for line in showing.summed_up(index, rows, filtered=any_filter, settled=settled):
        out.print(line)
    if named:
        out.print("\n[bold]the newest[/]" if len(named) < len(rows) else "")
        out.print(showing.letters_table(named))


@dlq.command()
@click.argument("letter_id", metavar="ID")
@click.option("--raw", is_flag=True, help="Write the value's bytes to standard output, and nothing else.")
@console.json_option
def show(letter_id: str, raw: bool, as_json: bool) -> None:
    """Show one letter: reason, origin, headers, bytes, and what to do about it.

    \b
    Examples:
      ugc dlq show hC2…Zg:2:1234
      ugc dlq show hC2…Zg:2:1234 --raw | xxd | less
    """
    wanted = Filters((), None, None).wanted([letter_id], settled=True, clock=SystemClock())
    box, index = opened(hidden=as_json or raw)
    rows = index.find(wanted)
    require_all([letter_id], index, rows)
    letter, row = next(box.letters(index, rows[-1:]))
    if raw:
        click.echo(letter.record.value or b"", nl=False)
    elif as_json:
        console.print_json(showing.whole(letter, index.state(row)))
    else:
        for line in showing.described(letter, index.state(row)):
            console.out().print(line, soft_wrap=True)


def _changing(function: F) -> F:
    """The options of the two verbs that settle letters."""
    function = console.json_option(function)
    function = click.option("--yes", is_flag=True, help="Do not ask first.")(function)
    function = click.option("--dry-run", is_flag=True, help="Say what would be done; do nothing.")(function)
    function = click.option("--limit", type=click.IntRange(1), help="The oldest so many of them.")(function)
    function = filters(function)
    function = click.option("--all", "every", is_flag=True, help="Every open letter.")(function)
    return click.argument("ids", nargs=-1, metavar="[ID]...")(function)


@dlq.command()
@_changing
def retry(**options: Any) -> int:
    """Send the records of letters again into the topic events, and settle the letters.

    Bytes, key and headers are as they were, and go through the same deduplication as every event, so twice is
    harmless. A record that dies again gets a new letter, whose header ugc-retry-of names the first. A letter
    named by its id is sent again even when it was settled before. Exit code 1 when one could not be sent.

    \b
    Examples:
      ugc dlq retry hC2…Zg:2:1234
      ugc dlq retry --reason version_unknown --limit 10 --dry-run
      ugc dlq retry --all --yes
    """
    return settle("retry", DeadBox.retry, options)


@dlq.command()
@_changing
def discard(**options: Any) -> int:
    """Settle letters without sending anything: no list shows them any more.

    The broker removes their bytes when it compacts the topic, a day later at the earliest; until then
    `ugc dlq retry ID` still sends them.

    \b
    Examples:
      ugc dlq discard hC2…Zg:2:1234
      ugc dlq discard --reason tombstone --since 1d --dry-run
      ugc dlq discard --all --yes
    """
    return settle("discard", DeadBox.discard, options)


@dlq.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@filters
@click.option("--limit", type=click.IntRange(1), help="The oldest so many of them.")
@click.option(
    "--format",
    "how",
    type=click.Choice(files.FORMATS),
    help="spreadsheet is csv in which no text runs as a formula. Default: by FILE's ending.",
)
@click.option("--settled", is_flag=True, help="Also those that were retried or discarded.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@console.json_option
def export(file: Path, limit: int | None, how: Any, settled: bool, force: bool, **rest: Any) -> None:
    """Write letters with all they hold to FILE, as NDJSON or, when it ends in .csv, as CSV.

    FILE appears when all of them are in it. Bytes are base64, with text beside it where they are text.

    \b
    Examples:
      ugc dlq export letters.ndjson
      ugc dlq export today.csv --since 24h --force
    """
    as_json = rest.pop("as_json")
    wanted = Filters(**rest).wanted(settled=settled, clock=SystemClock())
    if file.exists() and not force:
        raise DlqFailed(f"{file} is there already; --force replaces it")
    if not file.parent.is_dir():
        raise DlqFailed(f"there is no directory {file.parent}")
    box, index = opened(hidden=as_json)
    rows = index.find(wanted)[:limit]
    with progress_bar("exporting", len(rows), hidden=as_json) as advance:

        def documents() -> Iterator[dict[str, Any]]:
            for letter, row in box.letters(index, rows):
                yield showing.whole(letter, index.state(row))
                advance(1)

        written = files.export(documents(), file, how or files.format_of(file))
    if as_json:
        console.print_json({"exported": written, "file": str(file)})
    else:
        console.out().print(f"{written:,} letters in {escape(str(file))}", soft_wrap=True)
