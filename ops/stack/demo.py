"""`ugc demo`: the whole stack, a month of made-up history in it, and then events as they happen.

All of it goes the way of every event: over HTTP, through the log, by the ETL. What was sent is noted in the
data directory: a demo that was interrupted sends the same history again, of which nothing is counted twice,
and one that was not goes on with live traffic.
"""

from datetime import date, timedelta
from typing import Any

import click

from contract.limits import EVENTS_PER_REQUEST_MAX
from ops.generating.live import Live
from ops.generating.people import people
from ops.generating.plan import DAYS_MAX, EVENTS_MAX, USERS_MAX, Plan
from ops.sending.credential import credential, key_option
from ops.sending.door import Door, SendFailed
from ops.stack.history import fill
from ops.stack.running import Running, StackFailed, running
from ops.terminal import console
from ops.terminal.stopping import Stopped, Waking, stop_signals
from telemetry.clock import Clock, SystemClock
from telemetry.settings import load
from ugc_api.settings import ApiSettings

STATE_NAME = "demo.json"
# Everything comes from one address, which would otherwise take a month's events an hour.
LIMITS = {"UGC_RATE_LIMIT_PER_MINUTE": "10000000", "UGC_RATE_LIMIT_BURST": "1000000"}
TELL_EVERY_S = 0.5
NEEDS_A_KEY = (
    "UGC_AUTH_REQUIRED is set, so the demo sends and asks with a key: "
    "`ugc keys create demo --api --scope write --scope read > demo.key`, then `ugc demo --key @demo.key`"
)


@click.command()
@click.option("--events", type=click.IntRange(1, EVENTS_MAX), default=300_000, show_default=True)
@click.option("--users", type=click.IntRange(1, USERS_MAX), default=6_000, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option(
    "--rate",
    type=click.FloatRange(0.1, 1_000),
    default=5.0,
    show_default=True,
    help="Events a second after that.",
)
@key_option
@console.json_option
def demo(**options: Any) -> int:
    """Run the whole stack with a month of made-up history, then live traffic, until Ctrl-C.

    Its collector takes what one sender may not send in general: the limit of events an address is raised.
    """
    clock, settings, headers = SystemClock(), load(ApiSettings), credential(options["key"])
    if settings.auth_required and not headers:
        raise StackFailed(NEEDS_A_KEY)
    size = {name: options[name] for name in ("events", "users", "seed")}
    plan = Plan(**size, days=DAYS_MAX, ends_at_ms=_now_ms(clock))
    whole = False
    with stop_signals() as stopping, running(stopping, settings=LIMITS, headers=headers) as stack:
        waking = Waking(clock, stopping)
        door = Door(url=f"{stack.api}/events", clock=waking, headers=headers)
        try:
            whole = fill(plan, settings.data_dir / STATE_NAME, door, stack, waking)
            if not stopping():
                _announce(stack, clock.now().date(), options["rate"], as_json=options["as_json"])
            crowd = people(plan.seed, plan.users, days=plan.days)
            _live(Live(crowd, options["rate"], _now_ms(clock)), door, stack, waking)
        except SendFailed as error:
            raise StackFailed(f"{error}; `ugc demo` again goes on from here") from None
        except Stopped:
            pass
    left = "" if whole else ", and `ugc demo` again sends the rest of the month"
    console.err().print(f"[dim]stopped; what was sent stays{left}[/]", soft_wrap=True)
    return 0


def _live(live: Live, door: Door, stack: Running, clock: Waking) -> None:
    """What happens, twice a second, until somebody asks to stop."""
    waiting: list[bytes] = []
    while not clock.stopping():
        stack.require_alive()
        chunk = live.until(_now_ms(clock))
        waiting += chunk.json_lines() if chunk else []
        try:
            while waiting:
                door.post(waiting[:EVENTS_PER_REQUEST_MAX])
                del waiting[:EVENTS_PER_REQUEST_MAX]
        except SendFailed:
            # The supervisor brings the collector back; what it did not take is sent then.
            del waiting[: -100 * EVENTS_PER_REQUEST_MAX]
        if not clock.stopping():
            clock.clock.sleep(TELL_EVERY_S)


def _announce(stack: Running, today: date, rate: float, *, as_json: bool) -> None:
    if as_json:
        console.print_json({"api": stack.api, "warehouse": stack.warehouse, "events_a_second": rate})
        return
    first, monday = today - timedelta(days=DAYS_MAX - 1), today - timedelta(days=28)
    stats = f"{stack.api}/stats"
    console.out().print(
        f"\n[bold green]ugc is up[/], and {rate:g} events come in every second\n\n"
        f"  collector, stats  {stack.api}  [dim]docs {stack.api}/apidocs/[/]\n"
        f"  warehouse         {stack.warehouse}\n\n"
        f"[bold]Try, in another terminal:[/]\n"
        f"  curl '{stats}/dau?from={first}&to={today}'\n"
        f"  curl '{stats}/retention?start_date={monday}&windows=3&period=week'\n"
        f"  curl '{stats}/top-events?from={first}&to={today}&segment=properties.country=DE'\n\n"
        f"[dim]Ctrl-C stops everything in order.[/]",
        soft_wrap=True,
    )


def _now_ms(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1000)
