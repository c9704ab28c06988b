"""`ugc demo`: the whole stack, a month of made-up history in it, and then events as they happen.

All of it goes the way of every event: over HTTP, through the log, by the ETL. What was sent is noted in the
data directory: a demo that was interrupted sends the same history again, of which nothing is counted twice,
and one that was not goes on with live traffic.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from select import select
from typing import Any
from urllib.request import urlopen

import click
import numpy as np
from rich.progress import Progress

from contract.limits import DAY_MS, EVENTS_PER_REQUEST_MAX
from embedded.supervisor import TETHER
from ops.generating.generate import Made, send_all
from ops.generating.live import Live
from ops.generating.people import people
from ops.generating.plan import DAYS_MAX, EVENTS_MAX, USERS_MAX, Plan
from ops.generating.writing import Chunk, generate
from ops.sending.door import Door, SendFailed
from ops.terminal import console
from ops.terminal.stopping import stop_signals
from telemetry.clock import Clock, SystemClock
from telemetry.errors import OperatorError
from telemetry.settings import Settings, load

STATE_NAME = "demo.json"
# Everything comes from one address, which would otherwise take a month's events an hour.
LIMITS = {"UGC_RATE_LIMIT_PER_MINUTE": "10000000", "UGC_RATE_LIMIT_BURST": "1000000"}
COUNTED_WITHIN_S = 120.0
ASK_EVERY_S = 0.5
TELL_EVERY_S = 0.5
STOP_WITHIN_S = 120
HTTP_TIMEOUT_S = 10


class DemoFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The demo did not start, or its stack ended; the message says why."""


@dataclass(frozen=True, slots=True)
class _Waking:
    """A clock whose sleeps end when somebody asks to stop: whoever waits for a collector is not kept."""

    clock: Clock
    stopping: Callable[[], bool]

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        until = self.clock.monotonic() + seconds
        while (left_s := until - self.clock.monotonic()) > 0 and not self.stopping():
            self.clock.sleep(min(left_s, ASK_EVERY_S))
        if self.stopping():
            raise SendFailed("asked to stop")


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
@console.json_option
def demo(events: int, users: int, seed: int, rate: float, as_json: bool) -> int:
    """Run the whole stack with a month of made-up history, then live traffic, until Ctrl-C.

    Its collector takes what one sender may not send in general: the limit of events an address is raised.
    """
    clock = SystemClock()
    data_dir = load(Settings).data_dir
    now_ms = int(clock.now().timestamp() * 1000)
    plan = Plan(events=events, users=users, days=DAYS_MAX, seed=seed, ends_at_ms=now_ms)
    with stop_signals() as stopping, _stack(stopping) as stack:
        waking = _Waking(clock, stopping)
        door = Door(url=f"{stack.api}/events", clock=waking)
        try:
            _fill(plan, data_dir / STATE_NAME, door, stack, waking)
            if not stopping():
                _announce(stack, clock.now().date(), rate, as_json=as_json)
            _live(Live(people(seed, users, days=DAYS_MAX), rate, _now_ms(clock)), door, stack, waking)
        except SendFailed as error:
            if not stopping():
                raise DemoFailed(f"{error}; `ugc demo` again goes on from here") from None
    console.err().print("[dim]stopped; what was sent stays[/]")
    return 0


@dataclass(frozen=True, slots=True)
class _Stack:
    """A running `ugc up`."""

    process: subprocess.Popen[str]
    api: str
    warehouse: str

    def require_alive(self) -> None:
        if self.process.poll() is not None:
            raise DemoFailed("the stack has ended; its logs say why")

    def users(self, first: date, last: date) -> dict[date, int]:
        """How many the stats API counts, by day; nothing while it cannot."""
        url = f"{self.api}/stats/dau?from={first}&to={last}"
        try:
            with urlopen(url, timeout=HTTP_TIMEOUT_S) as answer:  # noqa: S310 - our own stack
                return {date.fromisoformat(row["date"]): row["users"] for row in json.load(answer)["data"]}
        except (OSError, ValueError):
            return {}


@contextmanager
def _stack(stopping: Callable[[], bool]) -> Iterator[_Stack]:
    """`ugc up` as a process of its own, stopped in order on leaving. Raises DemoFailed."""
    console.err().print("[dim]starting the stack[/]")
    process = subprocess.Popen(
        [
            *(sys.executable, "-I", "-S", str(TETHER), str(os.getpid())),
            *(sys.executable, "-m", "ops", "up", "--json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
        env={**LIMITS, **os.environ},
        # Its own session: Ctrl-C reaches this process alone, which then stops it.
        start_new_session=True,
    )
    try:
        said = _parsed(_first_line(process, stopping))
        if "api" not in said:
            if stopping():
                raise DemoFailed("stopped before the stack was up")
            raise DemoFailed(said.get("error", {}).get("message", "the stack did not start; see above"))
        yield _Stack(process, said["api"], said["warehouse"])
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _first_line(process: subprocess.Popen[str], stopping: Callable[[], bool]) -> str:
    """What it prints when it is up, or why it is not; nothing when somebody asks to stop meanwhile."""
    out = process.stdout
    while out is not None and not stopping():
        if select([out], [], [], ASK_EVERY_S)[0]:
            return out.readline()
    return ""


def _fill(plan: Plan, state: Path, door: Door, stack: _Stack, clock: _Waking) -> None:
    """The month, unless it is there. Returns when the stats API counts it, or somebody asks to stop."""
    begun = _parsed(state.read_text(encoding="utf-8")) if state.is_file() else {}
    if begun.get("sent"):
        console.err().print("[dim]the month of history is there already[/]")
        return
    if begun:
        plan = Plan(**begun["plan"])
    _note(state, plan, sent=False)
    watched = _Watched(plan)
    made = Made()
    with Progress(console=console.err(), transient=True, disable=not console.is_terminal()) as progress:
        task = progress.add_task("a month of history", total=plan.events)
        send_all(
            watched.passing(generate(plan)),
            door,
            made,
            lambda count: progress.advance(task, count),
            stopping=clock.stopping,
        )
    if clock.stopping():
        return
    _note(state, plan, sent=True)
    console.err().print(
        f"a month of history: {made.accepted or 0:,} events of {plan.users:,} people, and "
        f"{made.duplicates or 0:,} sent twice, counted once",
        soft_wrap=True,
    )
    _until_counted(watched, stack, clock)


def _until_counted(watched: "_Watched", stack: _Stack, clock: _Waking) -> None:
    """Every whole day has the users that it was given; more, where others were there too."""
    expected = watched.users()
    last, deadline = max(expected), clock.monotonic() + COUNTED_WITHIN_S
    while True:
        found = stack.users(min(expected), last)
        if all(found.get(day, 0) >= users for day, users in expected.items()):
            break
        stack.require_alive()
        if clock.monotonic() > deadline:
            console.err().print("[yellow]the ETL is still busy with it[/]; `ugc doctor` says how far it is")
            return
        clock.sleep(ASK_EVERY_S)
    console.err().print(
        f"[green]{expected[last]:,} users on {last}[/], as generated, and so every day before"
    )


class _Watched:
    """Looks at events as they go by: who came on each whole day is known before the warehouse is asked."""

    def __init__(self, plan: Plan) -> None:
        self._begins = plan.begins_at_ms // DAY_MS
        self._days = plan.ends_at_ms // DAY_MS - self._begins
        self._seen = np.zeros((self._days + 1, plan.users), np.bool_)

    def passing(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        for chunk in chunks:
            self._seen[chunk.columns.at_ms // DAY_MS - self._begins, chunk.columns.user] = True
            yield chunk

    def users(self) -> dict[date, int]:
        """By day of UTC, all but the one that is not over."""
        first = date(1970, 1, 1) + timedelta(days=self._begins)
        counts = self._seen.sum(axis=1).tolist()[: self._days]
        return {first + timedelta(days=number): count for number, count in enumerate(counts)}


def _live(live: Live, door: Door, stack: _Stack, clock: _Waking) -> None:
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


def _announce(stack: _Stack, today: date, rate: float, *, as_json: bool) -> None:
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


def _note(state: Path, plan: Plan, *, sent: bool) -> None:
    state.write_text(json.dumps({"plan": asdict(plan), "sent": sent}), encoding="utf-8")


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _now_ms(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1000)
