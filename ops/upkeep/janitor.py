"""`ugc janitor`: drop what the warehouse should have dropped by age, once or for ever."""

import threading
from dataclasses import asdict

import click
from rich.markup import escape

from clickhouse.client import connect
from clickhouse.janitor import Overdue, overdue, sweep
from ops.terminal import console
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import Settings, load

SWEEP_EVERY_S = 3_600.0


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would be dropped; drop nothing.")
@click.option(
    "--every",
    "every_s",
    type=click.IntRange(60, 86_400),
    metavar="SECONDS",
    help="Go on, and look again so often, until stopped. `ugc up` does, once an hour.",
)
@console.json_option
def janitor(dry_run: bool, every_s: int | None, as_json: bool) -> None:
    """Drop partitions of which every row is older than its table keeps rows.

    ClickHouse does that itself, hours earlier; this is for when it does not. Days are whole, so nothing that
    may still be asked for is dropped.

    \b
    Examples:
      ugc janitor --dry-run
      ugc janitor --every 3600
    """
    settings, clock = load(Settings), SystemClock()
    if every_s is None:
        client = connect(settings.dsn("admin"))
        _show(overdue(client) if dry_run else sweep(client), dry_run=dry_run, as_json=as_json)
        return
    while True:
        try:
            _show(sweep(connect(settings.dsn("admin"))), dry_run=False, as_json=as_json)
        except OperatorError as error:
            console.complain(str(error))
        clock.sleep(every_s)


def _show(found: list[Overdue], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        console.print_json({"overdue" if dry_run else "dropped": [asdict(each) for each in found]})
        return
    for each in found:
        console.out().print(f"{'overdue' if dry_run else 'dropped'}  {escape(str(each))}", soft_wrap=True)
    if not found:
        console.out().print("nothing is overdue")


class Beside:
    """Sweeps beside a process that does other things, from `start` to `stop`; says nothing of outages, which
    the process itself knows better."""

    def __init__(self, dsn: str, *, every_s: float = SWEEP_EVERY_S) -> None:
        self._dsn = dsn
        self._every_s = every_s
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sweep_on, name="janitor", daemon=True)

    def start(self) -> None:
        """The first look is after a pause: the process has just started everything else."""
        self._thread.start()

    def stop(self) -> None:
        """No further sweep begins."""
        self._ended.set()

    def _sweep_on(self) -> None:
        while not self._ended.wait(self._every_s):
            try:
                for each in sweep(connect(self._dsn)):
                    console.err().print(f"[yellow]janitor[/] dropped {escape(str(each))}", soft_wrap=True)
            except OperatorError:
                continue
