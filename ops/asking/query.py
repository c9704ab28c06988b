"""`ugc query`: the product's questions by name, their parameters checked before anything is asked."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from clickhouse import catalog
from ops.asking import questions
from ops.asking.analyst import BINARY, FORMATS, TIMEOUT_S_MAX, opened
from ops.asking.sql import TIMEOUT_S_DEFAULT, chosen_format, default_format, show
from ops.terminal import console
from telemetry.clock import SystemClock
from telemetry.settings import Settings, load

Given = list[tuple[str, str]]

# The parameter of a file that names a zone.
ZONE: Final = "tz"
NEITHER: Final = "no question is called {name}{meant} `ugc query` lists those there are"


@dataclass(frozen=True, slots=True)
class How:
    """The options beside the question."""

    output_format: str | None
    show_sql: bool
    timeout_s: float
    as_json: bool

    @property
    def format(self) -> str:
        return chosen_format(self.output_format, as_json=self.as_json) or default_format()


@click.command()
@click.argument("name", required=False)
@click.option("-p", "--param", "given", multiple=True, metavar="KEY=VALUE", help="A parameter; repeat it.")
@click.option(
    "-f",
    "--format",
    "output_format",
    type=click.Choice(list(FORMATS)),
    help="As in `ugc sql`; answers of the API as table, csv, spreadsheet, tsv, ndjson or json.",
)
@click.option("--sql", "show_sql", is_flag=True, help="Show the SQL of a question instead of asking it.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, TIMEOUT_S_MAX),
    default=TIMEOUT_S_DEFAULT,
    show_default=True,
    help="Seconds it may take.",
)
@console.json_option
def query(name: str | None, given: tuple[str, ...], **options: Any) -> None:
    """Ask one of the product's questions; without NAME, list them.

    dau, top-events, daily, retention, retention-7d and returning are those of the stats API, with its
    parameters and its answers (tz, bots, exact, segment too); the others are files of clickhouse/queries.
    They are asked as the read-only user analyst.

    \b
    Examples:
      ugc query
      ugc query dau -p from=2026-11-01 -p to=2026-11-30 -p tz=Europe/Berlin
      ugc query top-events -p from=2026-11-01 -p to=2026-11-30 -p segment=properties.country=DE
      ugc query retention -p start_date=2026-11-01 -p period=week --format csv > cohorts.csv
    """
    # The API's own libraries are loaded to ask, not for help.
    from ops.asking import calls  # noqa: PLC0415

    how = How(**options)
    if name is None:
        _list(as_json=how.as_json)
    elif name in calls.CALLS and not how.show_sql:
        _ask_call(name, _pairs(given), how)
    elif (file := name.replace("-", "_")) in catalog.names():
        _ask_file(catalog.query(file), _pairs(given), how)
    else:
        meant = questions.meant(name, [*calls.CALLS, *catalog.names()])
        raise click.UsageError(NEITHER.format(name=name, meant=meant))


def _pairs(given: tuple[str, ...]) -> Given:
    pairs = []
    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            raise click.UsageError(f"--param {each}: write KEY=VALUE")
        pairs.append((key, value))
    return pairs


def _ask_call(name: str, given: Given, how: How) -> None:
    from ops.asking import calls  # noqa: PLC0415 - as above

    kind = calls.CALLS[name]
    known = calls.takes(kind)
    for key, _ in given:
        if key not in known:
            raise click.UsageError(
                f"{name} has no parameter {key}{questions.meant(key, known)} It takes {', '.join(known)}."
            )
    repeated = {key for key, _ in given if [one for one, _ in given].count(key) > 1} - {calls.SEGMENT}
    if repeated:
        raise click.UsageError(f"--param {min(repeated)} is given twice")
    if how.format != "json" and how.format not in calls.SHOWN:
        raise click.UsageError(f"{name} is shown as {', '.join(calls.SHOWN)} or json")
    question = calls.read(kind, given)
    analyst = opened(load(Settings), timeout_s=how.timeout_s)
    calls.show(calls.ask(question, analyst, SystemClock()), how.format)


def _ask_file(question: catalog.Query, given: Given, how: How) -> None:
    from ops.asking import calls  # noqa: PLC0415 - as above

    if how.show_sql:
        if how.as_json:
            console.print_json(asdict(question))
        else:
            click.echo(questions.described(question))
        return
    if questions.takes_condition(question):
        raise click.UsageError(
            f"{question.name} takes a condition; ask it by the name of its call, with --param segment=…"
        )
    parameters = questions.checked(question, given)
    if ZONE in parameters:
        calls.check_zone(parameters[ZONE])
    analyst = opened(load(Settings), timeout_s=how.timeout_s)
    pieces = analyst.ask(question.sql, output_format=how.format, parameters=parameters)
    show(pieces, binary=how.format in BINARY)


def _list(*, as_json: bool) -> None:
    from ops.asking import calls  # noqa: PLC0415 - as above

    asked: list[dict[str, Any]] = [
        {"name": name, "question": calls.about(kind), "parameters": list(calls.takes(kind))}
        for name, kind in calls.CALLS.items()
    ]
    files: list[dict[str, Any]] = [
        {
            "name": each.name,
            "question": each.question,
            "parameters": [one.name for one in each.parameters],
            "defaults": each.defaults,
        }
        for each in questions.for_people()
        if each.name.replace("_", "-") not in calls.CALLS
    ]
    if as_json:
        console.print_json([*asked, *files])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("what it answers", overflow="fold")
    table.add_column("parameters", overflow="fold")
    for each in (*asked, *files):
        defaults = each.get("defaults", {})
        parameters = ", ".join(
            f"{name}={defaults[name]}" if name in defaults else name for name in each["parameters"]
        )
        table.add_row(f"[bold]{escape(each['name'])}[/]", escape(each["question"]), escape(parameters))
    console.out().print(table)
