"""`ugc up`: the whole stack on this machine, in the foreground, until Ctrl-C or SIGTERM."""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import click
import structlog
from rich.markup import escape

from clickhouse import migrate as schema
from clickhouse import property_columns
from clickhouse.client import connect
from clickhouse.settings import SchemaSettings
from embedded import passwords, preflight, stack, stack_state
from embedded.stack_settings import StackSettings
from embedded.supervisor import Service, Supervisor
from etl.settings import EtlSettings
from ops.stack.child_lines import shower
from ops.terminal import console
from ops.terminal.stopping import Stopping, stop_signals
from ops.upkeep import topics
from ops.upkeep.columns import told
from ops.upkeep.janitor import Beside
from ops.upkeep.probes import http_ready
from telemetry import logs
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import load
from ugc_api.settings import ApiSettings

API_READY_WITHIN_S = 30
# What a child gets beyond its own bound, before it is killed.
STOP_MARGIN_S = 6

Say = Callable[[str], None]

log = structlog.get_logger()


@click.command()
@click.option(
    "-v", "--verbose", is_flag=True, help="Show every log line of every process, not only warnings."
)
@console.json_option
def up(verbose: bool, as_json: bool) -> int:
    """Run broker, warehouse, ETL and API on this machine until Ctrl-C; go on where the last run stopped."""
    settings = load(StackSettings)
    logs.configure(process="up", level=settings.log_level, format=settings.log_format)
    clock = SystemClock()
    started = clock.monotonic()
    data_dir = settings.data_dir.absolute()
    stack.check(settings)
    preflight.check_data_dir(data_dir)
    with preflight.hold(data_dir):
        preflight.wait_for_survivors(data_dir, clock, _sayer(as_json=False))
        preflight.check_ports(_ports(settings))
        passwords.make_once(settings.local_env_file())
        settings = load(StackSettings)
        prepared = stack.services(settings, clock=clock, out=sys.stderr)
        supervisor = Supervisor(logs_dir=data_dir / "logs", show=shower(verbose=verbose), clock=clock)
        say = _sayer(as_json=as_json)
        janitor = Beside(settings.dsn("admin"))
        with stop_signals() as stopping:
            try:
                _start(supervisor, settings, prepared, stopping, say)
                if not stopping():
                    ready_s = round(clock.monotonic() - started, 1)
                    note = partial(_note_state, supervisor, data_dir, ready_s)
                    note()
                    _announce(settings, ready_s, as_json=as_json)
                    janitor.start()
                    supervisor.watch(stopping, on_restart=note)
            finally:
                janitor.stop()
                _stop(supervisor, data_dir, stopping, say)
    return 0


def _start(
    supervisor: Supervisor,
    settings: StackSettings,
    prepared: list[Service],
    stopping: Callable[[], bool],
    say: Say,
) -> None:
    """Log and warehouse first, then what they must hold, then who writes and reads them."""
    keys = load(SchemaSettings).property_keys()
    if prepared:
        say(f"starting {' and '.join(service.name for service in prepared)}")
    supervisor.start(prepared, stopping=stopping)
    if stopping():
        return
    topics.ensure(settings.bootstrap(), retention_days=settings.topic_retention_days)
    schema.apply(settings.dsn("admin"))
    _ensure_columns(settings.dsn("admin"), keys, say)
    say("starting ETL and collector")
    supervisor.start([_etl(settings), _api(settings)], stopping=stopping)


def _ensure_columns(dsn: str, keys: Sequence[str], say: Say) -> None:
    """Answers are right without them: whatever stands in their way, events are taken in."""
    try:
        with connect(dsn) as client:
            done = property_columns.ensure(client, keys)
    except OperatorError as error:
        log.warning("property_columns_not_made", reason=str(error))
        return
    for line in told(done):
        say(f"column: {escape(line)}")


def _note_state(supervisor: Supervisor, data_dir: Path, ready_s: float) -> None:
    stack_state.write(data_dir, stack_state.StackState(supervisor.pids(), ready_s))


def _etl(settings: StackSettings) -> Service:
    etl = load(EtlSettings)
    # A name it keeps: restarted after a crash, it gets its partitions back at once instead of after the
    # session that died has timed out.
    name = {"UGC_ETL_INSTANCE_ID": etl.etl_instance_id or "local"}
    return Service(
        name="etl",
        command=[sys.executable, "-m", "ops", "etl"],
        environment={**stack.child_environment(settings), **name},
        ready=http_ready(f"http://{_reachable(etl.etl_metrics_host)}:{etl.etl_metrics_port}/health/ready"),
        stop_within_s=etl.etl_stop_within_ms / 1000 + STOP_MARGIN_S,
    )


def _api(settings: StackSettings) -> Service:
    api = load(ApiSettings)
    return Service(
        name="api",
        command=[sys.executable, "-m", "ops", "api"],
        environment=stack.child_environment(settings),
        ready=http_ready(f"http://{_reachable(api.api_host)}:{api.api_port}/health/ready"),
        ready_within_s=API_READY_WITHIN_S,
        stop_within_s=api.api_shutdown_ms / 1000 + STOP_MARGIN_S,
    )


def _reachable(host: str) -> str:
    """Where to ask a server that listens on `host`."""
    return "127.0.0.1" if host in ("", "0.0.0.0", "::") else host


def _ports(settings: StackSettings) -> dict[str, int]:
    ports = {"UGC_API_PORT": settings.api_port, "UGC_ETL_METRICS_PORT": load(EtlSettings).etl_metrics_port}
    return {**ports, **stack.ports(settings)}


def _stop(supervisor: Supervisor, data_dir: Path, stopping: Stopping, say: Say) -> None:
    running = list(reversed(supervisor.pids()))
    if running:
        say(f"\nstopping: {', '.join(running)}; Ctrl-C again kills what still runs, and nothing is lost")
    killed = supervisor.stop(hurried=stopping.hurried)
    stack_state.clear(data_dir)
    if running:
        say(f"stopped; {', '.join(killed)} had to be killed" if killed else "stopped")


def _sayer(*, as_json: bool) -> Say:
    """A function that tells a person what happens; scripts are told on standard output, once."""
    terminal = console.err()
    return (lambda _: None) if as_json else (lambda text: terminal.print(f"[dim]{text}[/]"))


def _announce(settings: StackSettings, ready_s: float, *, as_json: bool) -> None:
    api = f"http://127.0.0.1:{settings.api_port}"
    warehouse = settings.warehouse_place()
    if as_json:
        console.print_json(
            {"ready_s": ready_s, "api": api, "warehouse": warehouse, "broker": settings.bootstrap()}
        )
        return
    today = f"{SystemClock().now():%Y-%m-%d}"
    ugc = Path(sys.argv[0])
    ugc = ugc.relative_to(Path.cwd()) if ugc.is_relative_to(Path.cwd()) else ugc
    console.out().print(
        f"\n[bold green]ugc is up[/] in {ready_s} s\n\n"
        f"  collector, stats  {api}  [dim]docs {api}/apidocs/[/]\n"
        f"  warehouse         {warehouse}  [dim]users admin, writer, reader, analyst[/]\n"
        f"  broker            {settings.bootstrap()}  [dim]topics events, events.dead[/]\n"
        f"  data and logs     {settings.data_dir}/  [dim]logs in {settings.data_dir}/logs/[/]\n\n"
        f"[bold]Try, in another terminal:[/]\n"
        f'  {ugc} send --user alice --event-type click --properties \'{{"element": "play"}}\'\n'
        f"  curl '{api}/stats/dau?from={today}&to={today}'\n"
        f"  {ugc} doctor\n\n"
        f"[dim]Ctrl-C stops everything in order.[/]",
        soft_wrap=True,
    )
