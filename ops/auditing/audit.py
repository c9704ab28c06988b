"""`ugc audit`: was anything lost or counted twice, and do the aggregates say what the rows say?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import click
from clickhouse_connect.driver.client import Client
from rich.markup import escape
from rich.table import Table

from clickhouse.auditing import QUESTIONS, Auditor, Verdict
from clickhouse.client import connect
from clickhouse.views import IDS_KEPT_DAYS, RAW
from contract.topics import EVENTS
from etl.settings import EtlSettings
from ops.auditing.log import Account, LogAuditor
from ops.dlq.box import DeadBox
from ops.dlq.index import Index
from ops.terminal import console
from ops.terminal.days import DAY, parsed_day
from ops.terminal.progress import progress_bar
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import load

READ_TIMEOUT_S = 660


class NotAudited(OperatorError):  # noqa: N818 - what happened, said to a person
    """There is nothing to hold it against."""


@dataclass(slots=True)
class Report:
    """What was found."""

    verdicts: list[Verdict] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """A line for each thing that does not agree; days first."""
        lines = [str(verdict) for verdict in self.verdicts if not verdict.agrees]
        return [*lines, *self.others, *(line for each in self.accounts for line in each.wrong)]


@click.command()
@click.option("--day", "days", multiple=True, metavar=DAY, help="Only this day (UTC); may be repeated.")
@click.option("--tables", "tables_only", is_flag=True, help="Only the tables; the broker is not asked.")
@console.json_option
def audit(days: tuple[str, ...], tables_only: bool, as_json: bool) -> int:
    """Prove that nothing was lost and nothing counted twice; exit code 1 when something was.

    Two proofs, from the log's offsets and from the tables: each record that was read is a row, a duplicate, a
    dead letter or a canary; and for each day that events_raw holds whole every aggregate says what events_raw
    says. Changes nothing, and may run beside everything else.

    \b
    Examples:
      ugc audit
      ugc audit --day 2026-11-20 --tables
      ugc audit --json | jq .wrong
    """
    asked = [parsed_day(day) for day in days]
    settings = load(EtlSettings)
    client = connect(settings.dsn("admin"), read_timeout_s=READ_TIMEOUT_S)
    report = Report()
    _tables(client, asked, report, hidden=as_json)
    if not tables_only:
        report.accounts += _log(client, settings, hidden=as_json)
    if as_json:
        console.print_json(document(report))
    else:
        show(report)
    return 1 if report.wrong else 0


def _tables(client: Client, asked: Sequence[date], report: Report, *, hidden: bool) -> None:
    auditor = Auditor(client, sleep=SystemClock().sleep)
    held = auditor.days()
    if not_held := sorted(set(asked) - set(held)):
        reach = f"{held[0]} to {held[-1]}" if held else "no day"
        raise NotAudited(
            f"{RAW} does not hold {not_held[0]} whole (it holds {reach}): nothing to compare with"
        )
    days = sorted(set(asked)) or held
    with progress_bar("comparing the tables", len(days) * len(QUESTIONS) + 1, hidden=hidden) as advance:
        for day in days:
            for verdict in auditor.day(day):
                report.verdicts.append(verdict)
                advance(1)
        twice = auditor.twice()
        if twice.ids:
            report.others.append(
                f"event_ids: {twice.ids:,} ids were brought by more than one record, such as "
                f"{twice.example}; two rows of one day are named above, and a rebuild takes one out; "
                f"this line stays until the ids are forgotten, after {IDS_KEPT_DAYS} days"
            )
        advance(1)


def _log(client: Client, settings: EtlSettings, *, hidden: bool) -> list[Account]:
    letters: list[Index] = []

    def dead_of(topic_id: str, partition: int, first: int, end: int) -> int:
        if not letters:
            box = DeadBox(settings.bootstrap())
            with progress_bar("reading events.dead", box.records, hidden=hidden) as advance:
                letters.append(box.index(advance))
        return letters[0].origins_between(topic_id, partition, first, end)

    connection = {"bootstrap.servers": settings.bootstrap(), "client.id": "ugc-audit", "log_level": 0}
    auditor = LogAuditor(client, connection, group=settings.etl_group_id, dead_of=dead_of, topic=EVENTS)
    return auditor.accounts()


def document(report: Report) -> dict[str, Any]:
    """For scripts."""
    return {
        "ok": not report.wrong,
        "wrong": report.wrong,
        "days": sorted({str(verdict.day) for verdict in report.verdicts}),
        "days_wrong": sorted({str(v.day) for v in report.verdicts if not v.agrees}),
        "tables": [{**asdict(verdict), "agrees": verdict.agrees} for verdict in report.verdicts],
        "log": [asdict(account) for account in report.accounts],
    }


def show(report: Report) -> None:
    """For a person: a line a day, a line a partition, and what is wrong."""
    out = console.out()
    days = sorted({verdict.day for verdict in report.verdicts})
    table = Table(box=None, pad_edge=False)
    for heading in ("day", *QUESTIONS):
        table.add_column(heading, justify="left" if heading == "day" else "right")
    for day in days:
        found = {verdict.table: verdict for verdict in report.verdicts if verdict.day == day}
        cells = [
            f"{found[name].in_table:,}" if found[name].agrees else f"[bold red]{found[name].in_table:,}[/]"
            for name in QUESTIONS
        ]
        table.add_row(str(day), *cells)
    out.print(table if days else f"{RAW} holds no day whole: nothing to compare")
    if report.accounts:
        out.print()
        out.print(_log_table(report.accounts))
    out.print()
    for line in report.wrong:
        out.print(f"[bold red]wrong[/] {escape(line)}", soft_wrap=True)
    if wrong := sorted({str(v.day) for v in report.verdicts if not v.agrees}):
        mending = " ".join(f"--day {day}" for day in wrong)
        out.print(f"made anew from {RAW} by: [bold]ugc rollup rebuild {mending}[/]", soft_wrap=True)
    if alone := sum(verdict.in_table_alone for verdict in report.verdicts):
        out.print(
            f"[yellow]note[/] {alone:,} rows are counted that {RAW} does not hold: counted twice, or lost "
            "there. Making the day anew forgets what was lost there, so look for a backup first",
            soft_wrap=True,
        )
    if not report.wrong:
        days_told = f"{len(days)} day{'' if len(days) == 1 else 's'}"
        out.print(f"[green]all agree[/]: {days_told}, {len(report.accounts)} partitions of the log")


def _log_table(accounts: Sequence[Account]) -> Table:
    table = Table(box=None, pad_edge=False)
    names = ("in_log", "read", "inserted", "duplicates", "dead", "canaries", "not_yet_read")
    for heading in ("partition", *names):
        table.add_column(heading.replace("_", " "), justify="right")
    for each in accounts:
        mark = "[bold red]" if each.wrong else ""
        table.add_row(f"{mark}{each.partition}", *(f"{getattr(each, name):,}" for name in names))
    return table
