"""The questions of the stats API, asked without the API: the same parameters, checks, answers and words."""

import csv
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import click
import orjson
from rich.markup import escape
from rich.table import Table

from clickhouse import days
from clickhouse.client import WarehouseError
from clickhouse.warehouse import Warehouse
from ops.asking.analyst import Analyst, told
from ops.terminal import console, spreadsheet
from ops.terminal.days import DAY
from telemetry.clock import Clock
from ugc_api.problems import Problem, ProblemCode
from ugc_api.stats import zones
from ugc_api.stats.asked import SCOPE_PARAMETERS, SEGMENT, scope_as_understood, scope_of
from ugc_api.stats.question import Question, Reply, Row
from ugc_api.stats.replies import cell, meta
from ugc_api.stats.routes import QUESTIONS

__all__ = ["CALLS", "SEGMENT", "SHOWN", "about", "ask", "check_zone", "read", "show", "takes"]

CALLS: Final[Mapping[str, type[Question]]] = {kind.RULE.rpartition("/")[2]: kind for kind in QUESTIONS}


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back, and what the API would say of it."""

    reply: Reply
    document: Row


def about(kind: type[Question]) -> str:
    """What it answers: what stands behind the address in the first line of its module."""
    first_line = (sys.modules[kind.__module__].__doc__ or "").strip().splitlines()[0]
    return first_line.partition(": ")[2].rstrip(".").capitalize() + "?"


def takes(kind: type[Question]) -> tuple[str, ...]:
    """Its parameters."""
    return (*kind.PARAMETERS, *SCOPE_PARAMETERS, SEGMENT)


def ask(question: Question, analyst: Analyst, clock: Clock) -> Answered:
    """Put the question. Raises WarehouseError when there is none, UsageError when it is too long."""
    warehouse = Warehouse(analyst.client, clock=clock)
    started_s = clock.monotonic()
    try:
        reply = question.put(warehouse, days.day_of(clock.now(), question.scope.tz))
        freshness = warehouse.freshness()
    except WarehouseError as error:
        raise told(error) from None
    except Problem as problem:
        raise click.UsageError(problem.detail) from None
    elapsed_ms = round((clock.monotonic() - started_s) * 1000, 1)
    return Answered(
        reply,
        {
            "query": {**question.as_understood(), **scope_as_understood(question.scope)},
            "data": reply.data,
            "meta": meta(reply, freshness, elapsed_ms=elapsed_ms),
        },
    )


def read(kind: type[Question], given: Sequence[tuple[str, str]]) -> Question:
    """The question that these parameters make. Raises UsageError when they make none."""
    sent = {key: value for key, value in given if key != SEGMENT}
    try:
        return kind.read(sent, scope_of(sent, [value for key, value in given if key == SEGMENT]))
    except Problem as problem:
        if problem.code is ProblemCode.MISSING_PARAMETER:
            name = problem.extensions["parameter"]
            raise click.UsageError(f"it needs --param {name}={DAY}") from None
        raise click.UsageError(problem.detail) from None


def check_zone(name: str) -> None:
    """Raises UsageError when it is no zone, with the one that was probably meant."""
    try:
        zones.zone(name)
    except Problem as problem:
        raise click.UsageError(problem.detail) from None


def show(answered: Answered, output_format: str) -> None:
    """Print it; what the rows do not say goes to standard error."""
    if output_format == "json":
        click.echo(orjson.dumps(answered.document).decode())
        return
    SHOWN[output_format](answered.reply.columns, list(answered.reply.rows))
    if answered.reply.next_cursor is not None:
        click.echo(f"there are more: --param cursor={answered.reply.next_cursor}", err=True)
    if not answered.reply.complete:
        click.echo("not complete: it reaches into days that are not over, or are no longer held", err=True)


def _table(columns: Sequence[str], rows: Sequence[Row]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        numbers = rows and all(isinstance(row[name], int | float | None) for row in rows)
        table.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(console.plain(_text(row[name]))) for name in columns))
    console.out().print(table)


def _separated(separator: str) -> Callable[[Sequence[str], Sequence[Row]], None]:
    def write(columns: Sequence[str], rows: Sequence[Row]) -> None:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_text(row[name]) for name in columns] for row in rows)
        click.echo(out.getvalue(), nl=False)

    return write


def _spreadsheet(columns: Sequence[str], rows: Sequence[Row]) -> None:
    click.echo(spreadsheet.BYTE_ORDER_MARK, nl=False)
    _separated(",")(columns, [{name: spreadsheet.cell(row[name]) for name in columns} for row in rows])


def _lines(columns: Sequence[str], rows: Sequence[Row]) -> None:
    for row in rows:
        click.echo(orjson.dumps({name: row[name] for name in columns}).decode())


def _text(value: Any) -> str:
    value = cell(value)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


SHOWN: Final = {
    "table": _table,
    "csv": _separated(","),
    "spreadsheet": _spreadsheet,
    "tsv": _separated("\t"),
    "ndjson": _lines,
}
