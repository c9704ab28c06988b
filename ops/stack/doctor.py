"""`ugc doctor`: is everything here that should be, does it work, and what does it cost?

Each check is a function that returns what it found or raises OperatorError with the way out.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import SplitResult, urlsplit
from urllib.request import urlopen

import click
import psutil
from prometheus_client.parser import text_string_to_metric_families
from rich.markup import escape
from rich.table import Table

from clickhouse import janitor, migrate, mutations, property_columns
from clickhouse.client import connect
from clickhouse.settings import SchemaSettings
from clickhouse.warehouse import Freshness, Warehouse
from embedded.stack_settings import StackSettings
from embedded.stack_state import read as read_state
from embedded.stack_state import survivors
from etl.settings import EtlSettings
from ops.terminal import console
from ops.upkeep import topics
from ops.upkeep.columns import is_taken
from ops.upkeep.probes import listens
from telemetry.clock import Clock, SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import load

HTTP_TIMEOUT_S = 3
START_HINT = "start the stack with `make run`"
LAG_METRIC = "ugc_etl_lag_events"
PORTS = {"http": 80, "https": 443}

_SENDS_HERE = re.compile(r"; [^;]*`ugc doctor`[^;]*")


class Unwell(OperatorError):  # noqa: N818 - what was found, said to a person
    """A check found something wrong."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; a skipped one is not ok, and was not looked at for what another found."""

    check: str
    ok: bool
    found: str
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """A question, and the check without which it has no answer."""

    ask: Callable[[], str]
    needs: str = ""


@click.command()
@console.json_option
def doctor(as_json: bool) -> int:
    """Check this machine and the running stack; exit code 1 when something is wrong."""
    settings, etl, clock = load(StackSettings), load(EtlSettings), SystemClock()
    findings = run_checks(
        {
            "python": Check(_python),
            "disk": Check(lambda: disk(settings.data_dir)),
            "broker": Check(lambda: _broker(settings)),
            "warehouse": Check(lambda: _warehouse(settings)),
            "schema": Check(lambda: _schema(settings), needs="warehouse"),
            "retention": Check(lambda: _retention(settings), needs="schema"),
            "collector": Check(
                lambda: _ready(f"http://127.0.0.1:{settings.api_port}", way_out(settings.data_dir, "api"))
            ),
            "etl": Check(
                lambda: etl_state(
                    f"http://127.0.0.1:{etl.etl_metrics_port}", way_out(settings.data_dir, "etl")
                )
            ),
            "freshness": Check(lambda: _freshness(settings, clock), needs="warehouse"),
        }
    )
    state = _figures(settings)
    if as_json:
        console.print_json(
            {"ok": all(f.ok for f in findings), "checks": [asdict(f) for f in findings], **state}
        )
    else:
        show(findings, state)
    return 0 if all(finding.ok for finding in findings) else 1


def run_checks(checks: Mapping[str, Check]) -> list[Finding]:
    """What each found, in order; one that needs what is not well is skipped, not told again."""
    findings: dict[str, Finding] = {}
    for name, check in checks.items():
        if check.needs and not findings[check.needs].ok:
            findings[name] = Finding(name, False, f"skipped: it needs the {check.needs}", skipped=True)
            continue
        try:
            findings[name] = Finding(name, True, check.ask())
        except OperatorError as error:
            # Whoever reads it is asking the doctor already.
            findings[name] = Finding(name, False, _SENDS_HERE.sub("", str(error)))
    return list(findings.values())


def _python() -> str:
    return f"{sys.version.split()[0]} ({sys.executable})"


def disk(data_dir: Path) -> str:
    """How much is free where `data_dir` is, or will be: it need not exist yet."""
    place = next(each for each in (data_dir.absolute(), *data_dir.absolute().parents) if each.exists())
    usage = shutil.disk_usage(place)
    if usage.free < 2**30:
        raise Unwell(
            f"{usage.free / 2**30:.1f} GiB free at {place}; free some, or set UGC_DATA_DIR to a larger disk"
        )
    return f"{usage.free / 2**30:.0f} GiB free at {place}"


def _broker(settings: StackSettings) -> str:
    places = settings.bootstrap()
    addresses = [urlsplit(f"//{each.strip().rpartition('://')[2]}") for each in places.split(",")]
    given = f"UGC_KAFKA_BOOTSTRAP={places}" if settings.kafka_bootstrap else ""
    _require_listener(addresses, given, way_out(settings.data_dir, "broker"))
    states = topics.look(places)
    return f"{places}: " + ", ".join(f"{t.name} ({t.partitions} partitions)" for t in states)


def _warehouse(settings: StackSettings) -> str:
    dsn = settings.dsn("reader")
    given = settings.warehouse_dsn
    known = settings.reader_password.get_secret_value() or settings.local_env_file().exists()
    if not given and not known:
        raise Unwell(
            f"no stack has run on {settings.data_dir}; {START_HINT}, or name its directory in UGC_DATA_DIR"
        )
    setting = "UGC_WAREHOUSE_DSN" if given else ""
    _require_listener([urlsplit(dsn)], setting, way_out(settings.data_dir, "warehouse"))
    # A warehouse that hangs takes the connection, and says nothing.
    client = connect(dsn, read_timeout_s=HTTP_TIMEOUT_S)
    Warehouse(client, clock=SystemClock()).ping()
    return f"ClickHouse {client.server_version} at {settings.warehouse_place()}"


def way_out(data_dir: Path, child: str) -> str:
    """What to do when `child` does not answer: start the stack, or leave it to the one that runs."""
    if not survivors(data_dir, SystemClock()):
        return START_HINT
    log_file = data_dir / "logs" / f"{child}.log"
    return f"the stack runs and starts again what dies: ask in a few seconds, or read {log_file}"


def _require_listener(addresses: Sequence[SplitResult], setting: str, hint: str) -> None:
    """One of them accepts connections. Raises Unwell at once, where a client would try for seconds."""
    try:
        places = [(each.hostname or "", each.port or PORTS.get(each.scheme, 0)) for each in addresses]
    except ValueError:
        raise Unwell(f"{setting} names a port that is none") from None
    if not any(listens(host, port) for host, port in places):
        where = ", ".join(f"{host}:{port}" for host, port in places)
        way_out = f"is it up, and is {setting} right?" if setting else hint
        raise Unwell(f"nothing listens at {where}; {way_out}")


def _schema(settings: StackSettings) -> str:
    steps = migrate.plan(settings.dsn("admin"))
    pending = [step.name for step in steps if not step.applied]
    if pending:
        raise Unwell(f"{len(pending)} migrations pending, the first is {pending[0]}; run `ugc migrate`")
    with connect(settings.dsn("admin")) as client:
        found = property_columns.look(client, load(SchemaSettings).property_keys())
        failing = mutations.failing(client)
    if found.taken:
        raise Unwell(is_taken(found.taken[0]))
    if found.missing:
        raise Unwell(f"properties.{found.missing[0]} has no column (UGC_PROPERTY_COLUMNS); run `ugc migrate`")
    if failing:
        raise Unwell(mutations.told(failing))
    return f"{len(steps)} migrations, all applied"


def _retention(settings: StackSettings) -> str:
    late = janitor.overdue(connect(settings.dsn("admin")))
    if late:
        raise Unwell(
            f"{len(late)} partitions should have been dropped by age, such as {late[0]}; `ugc janitor` drops "
            "them, and if they come back look why the warehouse does not"
        )
    return "no table holds rows beyond their time"


def etl_state(url: str, hint: str = START_HINT) -> str:
    """Whether it is ready, and how many messages wait for it."""
    waiting = _lag(url)
    lag = "" if waiting is None else f"; {waiting:,} messages wait in the log"
    try:
        return _ready(url, hint) + lag
    except Unwell as error:
        raise Unwell(f"{error}{lag}") from None


def _lag(url: str) -> int | None:
    try:
        with urlopen(f"{url}/metrics", timeout=HTTP_TIMEOUT_S) as response:  # noqa: S310
            families = list(text_string_to_metric_families(response.read().decode()))
    except (URLError, HTTPException, OSError, ValueError):
        return None
    lags = [sample.value for each in families if each.name == LAG_METRIC for sample in each.samples]
    return int(sum(lags)) if lags else None


def _ready(url: str, hint: str) -> str:
    try:
        with urlopen(f"{url}/health/ready", timeout=HTTP_TIMEOUT_S) as response:  # noqa: S310 - our own
            response.read()
    except HTTPError as error:
        with error:
            raise Unwell(f"not ready: {_reasons(error.read())}") from None
    except (URLError, HTTPException, OSError) as error:
        raise Unwell(f"nothing answers at {url} ({getattr(error, 'reason', error)}); {hint}") from None
    return f"ready at {url}"


def _reasons(body: bytes) -> str:
    """What the checks of a readiness answer say that did not pass; both processes answer in this shape."""
    try:
        checks = json.loads(body)["checks"]
        return "; ".join(
            f"{name}: {check['message']}" for name, check in checks.items() if not check["ready"]
        )
    except (ValueError, KeyError, TypeError):
        return body[:300].decode("utf-8", "replace")


def _freshness(settings: StackSettings, clock: Clock) -> str:
    return how_fresh(Warehouse(connect(settings.dsn("reader")), clock=clock).freshness(), now=clock.now())


def how_fresh(freshness: Freshness, *, now: datetime) -> str:
    """How old the newest stored event is, and how long it took from the door to the table."""
    if freshness.last_ingested_at is None or freshness.lag_seconds is None:
        return "no event yet; send one with `ugc send`"
    age_s = max(0.0, (now - freshness.last_ingested_at).total_seconds())
    return f"last event stored {_span(age_s)} ago, {freshness.lag_seconds:.1f} s after it came"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


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


def show(findings: list[Finding], state: dict[str, Any]) -> None:
    """The findings, for a person."""
    out = console.out()
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.ok else "[bold red]wrong[/]"
        table.add_row(
            "[yellow]-[/]" if finding.skipped else mark, f"[bold]{finding.check}[/]", escape(finding.found)
        )
    out.print(table)
    if state:
        parts = "  ".join(f"{escape(name)} {mb}" for name, mb in state["resident_mb"].items())
        out.print(f"\nready in {state['ready_s']} s; {state['resident_mb_total']} MiB resident: {parts}")
