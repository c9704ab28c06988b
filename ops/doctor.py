"""`ugc doctor`: is everything here that should be, does it work, and what does it cost?

Each check is a function that returns what it found or raises OperatorError with the way out.
"""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

import click
import psutil
from rich.table import Table

from clickhouse import migrate
from clickhouse.client import connect
from clickhouse.warehouse import Warehouse
from embedded.stack_settings import StackSettings
from embedded.stack_state import read as read_state
from etl.settings import EtlSettings
from ops import console, topics
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import load

HTTP_TIMEOUT_S = 3
START_HINT = "start the stack with `make run`"


class Unwell(OperatorError):  # noqa: N818 - what was found, said to a person
    """A check found something wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    ok: bool
    found: str


@click.command()
@console.json_option
def doctor(as_json: bool) -> int:
    """Check this machine and the running stack; exit code 1 when something is wrong."""
    settings, etl = load(StackSettings), load(EtlSettings)
    checks: dict[str, Callable[[], str]] = {
        "python": _python,
        "disk": lambda: _disk(settings),
        "broker": lambda: _broker(settings),
        "warehouse": lambda: _warehouse(settings),
        "schema": lambda: _schema(settings),
        "collector": lambda: _ready(f"http://127.0.0.1:{settings.api_port}/health/ready"),
        "etl": lambda: _ready(f"http://127.0.0.1:{etl.etl_metrics_port}/health/ready"),
        "freshness": lambda: _freshness(settings),
    }
    findings = [_run(name, check) for name, check in checks.items()]
    state = _figures(settings)
    if as_json:
        console.print_json(
            {"ok": all(f.ok for f in findings), "checks": [asdict(f) for f in findings], **state}
        )
    else:
        _show(findings, state)
    return 0 if all(finding.ok for finding in findings) else 1


def _run(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, check())
    except OperatorError as error:
        return Finding(name, False, str(error))


def _python() -> str:
    return f"{sys.version.split()[0]} ({sys.executable})"


def _disk(settings: StackSettings) -> str:
    place = settings.data_dir if settings.data_dir.exists() else settings.data_dir.absolute().parent
    usage = shutil.disk_usage(place)
    if usage.free < 2**30:
        raise Unwell(
            f"{usage.free / 2**30:.1f} GiB free at {place}; free some, or set UGC_DATA_DIR to a larger disk"
        )
    return f"{usage.free / 2**30:.0f} GiB free at {settings.data_dir}"


def _broker(settings: StackSettings) -> str:
    states = topics.look(settings.bootstrap())
    return f"{settings.bootstrap()}: " + ", ".join(f"{t.name} ({t.partitions} partitions)" for t in states)


def _warehouse(settings: StackSettings) -> str:
    dsn = settings.dsn("reader")
    client = connect(dsn)
    Warehouse(client, clock=SystemClock()).ping()
    return f"ClickHouse {client.server_version} at {urlsplit(dsn).hostname}:{urlsplit(dsn).port}"


def _schema(settings: StackSettings) -> str:
    steps = migrate.plan(settings.dsn("admin"))
    pending = [step.name for step in steps if not step.applied]
    if pending:
        raise Unwell(f"{len(pending)} migrations pending, the first is {pending[0]}; run `ugc migrate`")
    return f"{len(steps)} migrations, all applied"


def _ready(url: str) -> str:
    try:
        with urlopen(url, timeout=HTTP_TIMEOUT_S) as response:  # noqa: S310 - our own processes on loopback
            response.read()
    except HTTPError as error:
        raise Unwell(f"not ready: {_reasons(error.read())}") from None
    except (URLError, OSError) as error:
        raise Unwell(f"nothing answers at {url} ({getattr(error, 'reason', error)}); {START_HINT}") from None
    return f"ready at {url.removesuffix('/health/ready')}"


def _reasons(body: bytes) -> str:
    """What the checks of a readiness answer say that did not pass; both processes answer in this shape."""
    try:
        checks = json.loads(body)["checks"]
        return "; ".join(
            f"{name}: {check['message']}" for name, check in checks.items() if not check["ready"]
        )
    except (ValueError, KeyError, TypeError):
        return body[:300].decode("utf-8", "replace")


def _freshness(settings: StackSettings) -> str:
    freshness = Warehouse(connect(settings.dsn("reader")), clock=SystemClock()).freshness()
    if freshness.last_ingested_at is None:
        return "no event in the last two days; send one with `ugc send`"
    stored_at = f"{freshness.last_ingested_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"last event stored {stored_at}, {freshness.lag_seconds:.2f} s after it came"


def _figures(settings: StackSettings) -> dict[str, Any]:
    """What the running local stack measured of itself; empty when none runs on this data directory."""
    state = read_state(settings.data_dir)
    if state is None:
        return {}
    resident = {name: _resident_mb(pid) for name, pid in state.pids.items()}
    return {"ready_s": state.ready_s, "resident_mb": resident, "resident_mb_total": sum(resident.values())}


def _resident_mb(pid: int) -> int:
    """A process and its children, in MiB; 0 when it is gone."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return round(sum(each.memory_info().rss for each in family) / 2**20)
    except psutil.Error:
        return 0


def _show(findings: list[Finding], state: dict[str, Any]) -> None:
    out = console.out()
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[bold red]wrong[/]"
        table.add_row(mark, f"[bold]{finding.check}[/]", finding.found.replace("[", "\\["))
    out.print(table)
    if state:
        parts = "  ".join(f"{name} {mb}" for name, mb in state["resident_mb"].items())
        out.print(f"\nready in {state['ready_s']} s; {state['resident_mb_total']} MiB resident: {parts}")
