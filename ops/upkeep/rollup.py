"""`ugc rollup`: the aggregates that are kept beside the rows."""

from dataclasses import asdict
from typing import Any

import click
from rich.markup import escape

from clickhouse.client import connect
from clickhouse.rebuilding import Rebuilder, Rebuilt
from ops.terminal import console
from ops.terminal.days import DAY, parsed_day
from telemetry.clock import SystemClock
from telemetry.settings import Settings, load

READ_TIMEOUT_S = 660


@click.group()
def rollup() -> None:
    """Look after the aggregates: what the views keep beside events_raw. Every verb takes --json."""


@rollup.command()
@click.option("--day", "days", multiple=True, required=True, metavar=DAY, help="UTC; may be repeated.")
@console.json_option
def rebuild(days: tuple[str, ...], as_json: bool) -> None:
    """Make every aggregate of a day anew from events_raw, and prove that they agree.

    Should events_raw hold a row more than once, all but the one stored first are taken out of it before.
    Readers see the old day or the new one. Events may keep coming: one that came while the day was made may
    be missing for a second or two. Twice is as once. A day that events_raw does not hold whole is refused:
    its aggregates know more than could be made.

    \b
    Examples:
      ugc audit                                  which days do not agree
      ugc rollup rebuild --day 2026-11-20
    """
    asked = sorted({parsed_day(day) for day in days})
    client = connect(load(Settings).dsn("admin"), read_timeout_s=READ_TIMEOUT_S)
    rebuilder = Rebuilder(client, clock=SystemClock())
    done = []
    for day in asked:
        done.append(rebuilder.rebuild(day))
        if not as_json:
            _show(done[-1])
    if as_json:
        console.print_json({"rebuilt": [_document(each) for each in done]})


def _document(rebuilt: Rebuilt) -> dict[str, Any]:
    return {
        "day": str(rebuilt.day),
        "rounds": rebuilt.rounds,
        "mended": [verdict.table for verdict in rebuilt.before if not verdict.agrees],
        "copies_taken_out": rebuilt.copies,
        "lost_from_raw": rebuilt.lost_from_raw,
        "tables": [asdict(verdict) for verdict in rebuilt.after],
    }


def _show(rebuilt: Rebuilt) -> None:
    out = console.out()
    mended = [verdict for verdict in rebuilt.before if not verdict.agrees]
    for verdict in mended:
        out.print(f"[yellow]was wrong[/] {escape(str(verdict))}", soft_wrap=True)
    rows = rebuilt.after[0].in_raw
    out.print(f"{rebuilt.day}: made anew from {rows:,} rows" + ("" if mended else "; nothing was wrong"))
    if rebuilt.copies:
        one = rebuilt.copies == 1
        out.print(
            f"{rebuilt.copies:,} cop{'y was' if one else 'ies were'} taken out of events_raw; of each id the "
            "row stored first stays",
            soft_wrap=True,
        )
    if rebuilt.lost_from_raw:
        console.err().print(
            f"[yellow]note[/] {rebuilt.lost_from_raw:,} rows were counted before that events_raw does not "
            "hold: counted twice, or lost from it; these ids are remembered, so reading the log again does "
            "not bring them back",
            soft_wrap=True,
        )
