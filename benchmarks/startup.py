"""What a stranger waits for: ready, first event counted, ready again on the same data; and what it weighs.

Each round is a fresh stack on free ports, run as `ugc up` runs, spoken to over HTTP only.
"""

import json
import uuid
from dataclasses import dataclass, field
from datetime import timedelta

from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.processes import resident_bytes, spent_cpu_s
from benchmarks.frame.session import Bench, Session
from benchmarks.frame.stack import Stack

IDLE_S = 5
WAIT_MAX_S = 60


@dataclass(slots=True)
class _Rounds:
    """The samples, one of each a round."""

    ready_s: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    again_s: list[float] = field(default_factory=list)
    idle_mib: list[float] = field(default_factory=list)


def run(session: Session) -> None:
    """Start fresh stacks, one after the other."""
    rounds = session.pick(quick=1, standard=3, full=10)
    idle_s = session.pick(quick=3, standard=IDLE_S, full=IDLE_S)
    session.setting("rounds", rounds)
    session.setting("idle before weighing, s", idle_s)
    taken = _Rounds()
    warm = session.scale != "quick"
    if warm:
        session.say("warming up: one stack started and stopped")
        with Stack(session.scratch / "warm-up", clock=session.clock):
            pass
    for number in range(rounds):
        session.say(f"round {number + 1}/{rounds}: a fresh stack")
        stack = Stack(session.scratch / f"stack-{number}", clock=session.clock)
        try:
            _round(session, stack, taken, idle_s)
        finally:
            stack.stop()
    note = "package and class caches warm" if warm else "caches as they were found"
    session.figure("startup.ready", "start → ready", "s", taken.ready_s, target=15, note=note)
    session.figure(
        "startup.first_event", "start → first event in /stats/dau", "s", taken.first_s, target=30, note=note
    )
    session.figure("startup.again", "start on existing data → ready", "s", taken.again_s, target=15)
    session.figure("startup.cpu", "CPU of the whole stack until ready", "s", taken.cpu_s)
    session.figure(
        "startup.idle", "whole stack resident, idle", "MiB", taken.idle_mib, target=1536, note="sum of RSS"
    )


def _round(session: Session, stack: Stack, taken: _Rounds, idle_s: float) -> None:
    ready_s = session.steady(stack.start)
    taken.ready_s.append(ready_s)
    taken.cpu_s.append(sum(spent_cpu_s(stack.pids()).values()))
    taken.first_s.append(ready_s + _first_event_counted(session, stack))
    session.clock.sleep(idle_s)
    taken.idle_mib.append(sum(resident_bytes(stack.pids()).values()) / 2**20)
    stack.stop()
    taken.again_s.append(session.steady(stack.start))
    session.check("users after the restart", 1, _users(session, stack))


def _first_event_counted(session: Session, stack: Stack) -> float:
    """Seconds from sending one event to seeing it in /stats/dau."""
    clock = session.clock
    began = clock.monotonic()
    event = {
        "event_id": str(uuid.uuid4()),
        "occurred_at": clock.now().isoformat(timespec="milliseconds"),
        "user_id": "stranger",
        "event_type": "click",
        "properties": {"element": "play"},
    }
    answer = stack.http_json("/events", json.dumps(event).encode())
    session.check("events accepted of one sent", 1, answer["accepted"])
    while not (users := _users(session, stack)):
        if clock.monotonic() - began > WAIT_MAX_S:
            raise BenchFailed(f"the first event was not counted within {WAIT_MAX_S} s; see the ETL's log")
        clock.sleep(0.05)
    took_s = clock.monotonic() - began
    session.check("users counted of one event", 1, users)
    return took_s


def _users(session: Session, stack: Stack) -> int:
    """Users of the last two days: midnight may pass between the event and the question."""
    now = session.clock.now()
    yesterday = (now - timedelta(days=1)).date()
    data = stack.http_json(f"/stats/dau?from={yesterday}&to={now.date()}")["data"]
    return sum(int(day["users"]) for day in data)


BENCH = Bench(
    name="startup",
    asks="How long from the first command to the first counted event, and what does the idle stack weigh?",
    run=run,
    # Far less is used, but a stack does not start on a disk that is almost full.
    disk_bytes={"quick": 2**30, "standard": 2**30, "full": 2**30},
)
