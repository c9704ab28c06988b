"""`ugc query`: the warehouse's own questions by name, their parameters checked before anything is asked."""

import difflib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

import click
from rich.markup import escape
from rich.table import Table

from clickhouse import catalog
from ops import console
from ops.analyst import BINARY, FORMATS, TIMEOUT_S_MAX, opened
from ops.sql import TIMEOUT_S_DEFAULT, default_format, show
from telemetry.settings import Settings, load

HIDDEN_VALUE: Final = "…"


@click.command()
@click.argument("name", required=False)
@click.option("-p", "--param", "given", multiple=True, metavar="KEY=VALUE", help="A parameter; repeat it.")
@click.option("-f", "--format", "output_format", type=click.Choice(list(FORMATS)), help="As in `ugc sql`.")
@click.option("--sql", "show_sql", is_flag=True, help="Show the question's SQL instead of asking it.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, TIMEOUT_S_MAX),
    default=TIMEOUT_S_DEFAULT,
    show_default=True,
    help="Seconds it may take.",
)
@console.json_option
def query(
    name: str | None,
    given: tuple[str, ...],
    output_format: str | None,
    show_sql: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Ask one of the warehouse's own questions; without NAME, list them.

    The questions are the files of clickhouse/queries. They are asked as the read-only user analyst.

    \b
    Examples:
      ugc query
      ugc query dau --param first=2026-11-01 --param last=2026-11-30
      ugc query dau -p first=2026-11-01 -p last=2026-11-30 --format csv > dau.csv
    """
    if name is None:
        _list(as_json=as_json)
        return
    question = _question(name)
    if show_sql:
        _show_sql(question, as_json=as_json)
        return
    parameters = checked(question, given)
    chosen = "json" if as_json else output_format or default_format()
    analyst = opened(load(Settings), timeout_s=timeout_s)
    show(
        analyst.ask(question.sql, output_format=chosen, parameters=parameters), binary=chosen in BINARY
    )


def checked(question: catalog.Query, given: tuple[str, ...]) -> Mapping[str, str]:
    """The parameters as they are sent. Raises UsageError naming what is missing, unknown or given twice."""
    values: dict[str, str] = {}
    known = {each.name for each in question.parameters}
    for each in given:
        key, equals, value = each.partition("=")
        if not equals:
            raise click.UsageError(f"--param {each}: write KEY=VALUE")
        if key not in known:
            raise click.UsageError(f"{question.name} has no parameter {key}{_meant(key, known)}. {_takes(question)}")
        if key in values:
            raise click.UsageError(f"--param {key} is given twice")
        values[key] = value
    missing = [each.name for each in question.parameters if each.name not in values]
    if missing:
        raise click.UsageError(f"{question.name} needs --param {missing[0]}={HIDDEN_VALUE}. {_takes(question)}")
    return values


def _question(name: str) -> catalog.Query:
    known = catalog.names()
    if name not in known:
        raise click.UsageError(
            f"no question is called {name}{_meant(name, known)}; `ugc query` lists all {len(known)}"
        )
    return catalog.query(name)


def _meant(name: str, known: Any) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {found[0]}?" if found else ""


def _takes(question: catalog.Query) -> str:
    if not question.parameters:
        return "It takes none."
    listed = "; ".join(f"{each.name} ({each.type}): {each.meaning}" for each in question.parameters)
    return f"It takes {listed}."


def _list(*, as_json: bool) -> None:
    questions = [catalog.query(name) for name in catalog.names()]
    if as_json:
        console.print_json([_document(each) for each in questions])
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("name", no_wrap=True)
    table.add_column("question", overflow="fold")
    table.add_column("parameters", overflow="fold")
    for each in questions:
        parameters = ", ".join(f"{one.name}: {one.type}" for one in each.parameters)
        table.add_row(f"[bold]{escape(each.name)}[/]", escape(each.question), escape(parameters))
    console.out().print(table)


def _show_sql(question: catalog.Query, *, as_json: bool) -> None:
    if as_json:
        console.print_json(_document(question))
        return
    click.echo(f"-- {question.question}")
    for each in question.parameters:
        click.echo(f"-- {each.name} ({each.type}): {each.meaning}")
    click.echo(question.sql)


def _document(question: catalog.Query) -> dict[str, Any]:
    return asdict(question)
