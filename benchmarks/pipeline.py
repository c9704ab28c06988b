"""100,000 events sent in and daily users computed, end to end; and how long an event takes to be seen.

Every round is a fresh stack. Its first 100,000 events come a hundred to a request, then as many a thousand
to a request, then fewer one by one; each time the clock runs from the first request until /stats/dau says
the number of users that the generator knows, and every count of every table is checked.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks import events, steady
from benchmarks.frame.figures import Profile
from benchmarks.frame.load.report import GeneratorLate
from benchmarks.frame.machine import this_machine
from benchmarks.frame.session import Bench, Session
from benchmarks.frame.stack import Stack
from benchmarks.path import Batch, Sent, Way, disk_bytes
from benchmarks.profiling import NoSampler, bottleneck, busiest_child, sampling, together
from clickhouse.client import connect
from contract.topics import EVENTS

MIB = 2**20
# The processes of the path; what the bench itself takes is told beside them.
ROLES = ("api", "broker", "etl", "warehouse")
USERS = 10_000
STEADY_RATE = 2_000
STEADY_RETAKES = 3
MAIN = "b100"
TABLES = {"raw": "events_raw", "aggregates": "events_by_quarter_hour"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of it."""

    rounds: int
    batches: tuple[Batch, ...]
    steady_runs: int
    steady_s: float
    steady_rate: int = STEADY_RATE

    @property
    def main(self) -> Batch:
        return next(each for each in self.batches if each.key == MAIN)


SIZES = {
    "quick": Sizes(1, (Batch(30_000, 100, 16), Batch(30_000, 1_000, 8), Batch(2_000, 1, 32)), 1, 4.0),
    "standard": Sizes(3, (Batch(100_000, 100, 16), Batch(100_000, 1_000, 8), Batch(3_000, 1, 32)), 5, 8.0),
    "full": Sizes(5, (Batch(1_000_000, 100, 16), Batch(1_000_000, 1_000, 8), Batch(50_000, 1, 32)), 5, 60.0),
}


@dataclass(slots=True)
class Taken:
    """What the rounds came to."""

    sent: dict[str, list[Sent]] = field(default_factory=dict)
    bytes_an_event: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        self.bytes_an_event.setdefault(name, []).append(value)


def run(session: Session) -> None:
    """As large as the scale says."""
    measure(session, SIZES[session.scale])


def measure(session: Session, sizes: Sizes) -> None:
    """Rounds first, each on a fresh stack; the steady load and the profile on the last one."""
    taken = Taken()
    _settings(session, sizes)
    for number in range(sizes.rounds):
        session.say(f"round {number + 1}/{sizes.rounds}: a fresh stack")
        with Stack(session.scratch / f"stack-{number}", clock=session.clock) as stack:
            way = Way(session, stack, users=USERS)
            for batch in sizes.batches:
                taken.sent.setdefault(batch.key, []).append(_sent(session, way, batch))
            _weigh(stack, way, taken)
            if number == sizes.rounds - 1:
                _steady(session, way, sizes)
                _profile(session, way, sizes.main)
    for batch in sizes.batches:
        _figures(session, batch, taken.sent[batch.key])
    _processes(session, taken.sent[MAIN])
    _collector(session, taken.sent)
    for name, values in taken.bytes_an_event.items():
        session.figure(f"pipeline.bytes.{name}", BYTES[name], "bytes", values)


def _settings(session: Session, sizes: Sizes) -> None:
    for batch in sizes.batches:
        session.setting(
            f"{batch.a_request} a request",
            f"{batch.events} events over {batch.connections} connections, closed loop",
        )
    session.setting("users", USERS)
    session.setting("event ids", "UUIDv7")
    session.setting("rounds", sizes.rounds)
    session.setting(
        "steady load",
        f"{sizes.steady_rate} events/s, {steady.A_REQUEST} a request, open loop, Poisson, "
        f"{sizes.steady_runs} x {sizes.steady_s:g} s",
    )
    session.setting(
        "visible",
        "first answer of the warehouse that reaches the event's offset in raw and aggregate, "
        f"asked every {steady.ASK_EVERY_S * 1000:.0f} ms, age from received_at",
    )


def _sent(session: Session, way: Way, batch: Batch) -> Sent:
    sent = session.steady(lambda: way.send(batch))
    session.say(
        f"{batch.events} events, {batch.a_request} a request: acknowledged in {sent.sending.wall_s:.2f} s, "
        f"counted after {sent.end_to_end_s:.2f} s"
    )
    return sent


def _figures(session: Session, batch: Batch, sent: Sequence[Sent]) -> None:
    """Times and rates of one batch size, and what limited it."""
    how = f"{batch.events:,} events, {batch.a_request:,} a request"

    def figure(key: str, name: str, unit: str, of: Callable[[Sent], float], better: str = "higher") -> None:
        session.figure(
            f"pipeline.{key}.{batch.key}",
            f"{how}: {name}",
            unit,
            [of(each) for each in sent],
            better="lower" if better == "lower" else "higher",
        )

    figure("end_to_end", "sent → daily users right", "s", lambda s: s.end_to_end_s, "lower")
    figure("accepted", "acknowledged", "events/s", lambda s: batch.events / s.sending.wall_s)
    if all(each.stored_a_second for each in sent):
        figure("stored", "stored while storing", "events/s", lambda s: s.stored_a_second)
    figure("counted", "sent → counted", "events/s", lambda s: batch.events / s.end_to_end_s)
    figure("request_p99", "answer, p99", "ms", lambda s: s.report.quantile_s(0.99) * 1000, "lower")
    found = bottleneck([phase for each in sent for phase in each.phases], cores=this_machine().cores)
    session.figure(
        f"pipeline.bottleneck.{batch.key}",
        f"{how}: limited by {found.role}",
        "% of a core",
        [together(each.phases).cpu_s[found.role] / each.end_to_end_s * 100 for each in sent],
        better="higher",
        note=str(found),
    )


def _processes(session: Session, sent: Sequence[Sent]) -> None:
    """CPU, share of the time and memory of each process, at a hundred events a request."""
    costs = [together(each.phases) for each in sent]
    for role in (*ROLES, "generator"):
        cpu_us = [cost.cpu_s[role] / cost.units * 1e6 for cost in costs]
        session.figure(f"pipeline.cpu.{role}", f"{role}: CPU by event", "µs", cpu_us)
    for role in ROLES:
        busy = [cost.cpu_s[role] / cost.wall_s * 100 for cost in costs]
        session.figure(f"pipeline.busy.{role}", f"{role}: busy", "% of a core", busy)
    for role in ROLES:
        peak = [cost.rss_peak_bytes[role] / MIB for cost in costs]
        session.figure(f"pipeline.rss.{role}", f"{role}: memory at its peak", "MiB", peak)
    for step in sorted({step for each in sent for step in each.steps_s}):
        seconds = [each.steps_s.get(step, 0.0) for each in sent]
        if any(seconds):
            session.figure(f"pipeline.etl_step.{step}", f"ETL: time in step {step}", "s", seconds)


def _collector(session: Session, sent: dict[str, list[Sent]]) -> None:
    """What a request costs the collector by itself, and what each event in it adds: a line through two."""
    requests, an_event = [], []
    for one, many in zip(sent["b1"], sent[MAIN], strict=True):
        # While it sends only: what is asked of the collector afterwards is no part of a request.
        cost_one, cost_many = (e.sending.cpu_s["api"] / e.report.sent * 1e6 for e in (one, many))
        added = (cost_many - cost_one) / (many.batch.a_request - 1)
        an_event.append(added)
        requests.append(cost_one - added)
    session.figure(
        "pipeline.api.request_cpu", "collector: CPU of a request beside its events", "µs", requests
    )
    session.figure("pipeline.api.event_cpu", "collector: CPU of an event in a request", "µs", an_event)


BYTES = {
    "record": "an event as the log carries it, uncompressed",
    "log": "an event on the broker's disk, one copy",
    "raw": "an event in events_raw, compressed",
    "aggregates": "an event's part of the aggregate, compressed",
}


def _weigh(stack: Stack, way: Way, taken: Taken) -> None:
    """What the events of this round came to on disk."""
    plan = events.Plan(seed=1, users=USERS, ends_at_ms=0)
    some = list(events.records(plan, 1_000))
    taken.note("record", sum(len(each.value) + len(each.key) for each in some) / len(some))
    log = sum(disk_bytes(each) for each in stack.data_dir.rglob(f"{EVENTS.name}-[0-9]*") if each.is_dir())
    taken.note("log", log / way.accepted)
    admin = connect(stack.dsn("admin"))
    for name, table in TABLES.items():
        size = admin.command(
            f"SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = '{table}'"  # noqa: S608
        )
        taken.note(name, float(str(size)) / way.accepted)
    admin.close()


def _steady(session: Session, way: Way, sizes: Sizes) -> None:
    """Age of an event when it is first seen; a run whose generator was late is taken again."""
    runs: list[steady.Steady] = []
    late, rate = 0, sizes.steady_rate
    again = partial(steady.run, session, way, rate=rate, seconds=sizes.steady_s)
    while len(runs) < sizes.steady_runs:
        try:
            runs.append(session.steady(again))
        except GeneratorLate as error:
            late += 1
            if late > STEADY_RETAKES:
                raise
            session.say(f"taking it again: {error}")
    how = f"{rate:,} events/s"
    for share, target in ((0.5, 1.2), (0.99, 3.0)):
        name = f"p{share * 100:.0f}"
        ages = [each.age_s(share) for each in runs]
        session.figure(
            f"pipeline.visible.{name}",
            f"{how}: accepted → visible, {name}",
            "s",
            ages,
            target=target,
            retaken=late,
        )
        answers = [each.report.quantile_s(share) * 1000 for each in runs]
        session.figure(f"pipeline.answer.{name}", f"{how}: answer, {name}", "ms", answers)


def _profile(session: Session, way: Way, batch: Batch) -> None:
    """The same hundred thousand once more, with a sampler beside."""
    pids = way.stack.pids()
    pids = {"api": busiest_child(pids["api"]), "etl": busiest_child(pids["etl"])}
    try:
        with sampling(pids, directory=session.scratch) as sampled:
            cost = together(way.send(batch).phases)
    except NoSampler as why:
        session.skip("profiles of collector and ETL", str(why))
        return
    for role in ROLES:
        session.profile(
            Profile(
                process=role,
                cpu_s=cost.cpu_s[role],
                busy=cost.cpu_s[role] / cost.wall_s,
                hot=sampled.hot.get(role, []),
            )
        )


BENCH = Bench(
    name="pipeline",
    asks="How long until 100,000 events sent in are counted as daily users, and what sets the pace?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 3 * 2**30, "full": 20 * 2**30},
)
