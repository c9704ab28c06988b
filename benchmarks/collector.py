"""What a request costs the collector, held against a bare Flask route on the same server.

Both are processes of their own and write to the same broker, set alike. A closed loop of sixteen connections
sends to one, then to the other; the CPU of the server's processes by request is what is compared. A hundred
events a request say what one core takes in a second, and a load of open loop how long an answer takes.
"""

import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from benchmarks import events
from benchmarks.collecting.bare import ECHO, PRODUCE
from benchmarks.collecting.servers import BARE, COLLECTOR, HttpServer
from benchmarks.draining import topic
from benchmarks.draining.servers import Servers
from benchmarks.frame.figures import Cost
from benchmarks.frame.load import http1
from benchmarks.frame.load.apart import Generators
from benchmarks.frame.load.driving import Load
from benchmarks.frame.load.report import GeneratorLate, Report
from benchmarks.frame.session import Bench, Session, Side
from contract.reading import read

EVENTS_PATH = "/events"
CONNECTIONS = 16
MANY = 100
USERS = 1_000
AGE_MS = 1_000
HEADERS = {"Content-Type": "application/json", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/128.0"}
# Everything comes from one address: the limit is asked at every request and never reached.
UNLIMITED = {"UGC_RATE_LIMIT_PER_MINUTE": "1000000000", "UGC_RATE_LIMIT_BURST": "10000000"}
TARGET_RATIO = 1.35
TARGET_EVENTS_A_CORE = 120_000
TARGET_VALIDATION_US = 6.0
TARGET_WORKER_MIB = 150
TARGET_P99_LOADED_S = 1.0
TARGET_P99_QUIET_MS = 50.0
QUIET_RATE = 20
# Some 2 KB.
QUIET_EVENTS = 8
# Of the rate a closed loop reached.
LOADED_SHARE = 0.8
BAD_EVERY = 10
LATE_RETAKES = 3
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of it."""

    requests: int
    batches: int
    repeats: int
    open_s: float
    validated: int = 5_000


SIZES = {
    "quick": Sizes(requests=1_000, batches=200, repeats=5, open_s=3.0),
    "standard": Sizes(requests=3_000, batches=600, repeats=7, open_s=6.0),
    "full": Sizes(requests=20_000, batches=10_000, repeats=7, open_s=60.0),
}


class Door:
    """The servers under load, and what each load came to."""

    def __init__(self, session: Session, collector: HttpServer, bare: HttpServer) -> None:
        self._session = session
        self.collector = collector
        self.bare = bare
        self._plans = 0

    def cost(self, server: HttpServer, load: Load, *, accepted: int = 0) -> tuple[Cost, Report]:
        """What this load cost the server's processes by request; every answer was a 2xx."""
        session = self._session
        directory = Path(tempfile.mkdtemp(prefix="load-", dir=session.scratch))
        with (
            Generators([load], directory=directory) as generators,
            session.watch({"server": server.pid, **generators.pids()}) as watch,
        ):
            report = generators.run()
        if accepted:
            session.check("events accepted, of those sent", accepted, report.total)
        cost = watch.cost(units=report.sent)
        return (
            Cost(
                wall_s=cost.wall_s,
                cpu_s={"server": cost.cpu_s["server"]},
                units=report.sent,
            ),
            report,
        )

    def p99_s(self, *, requests: int, a_request: int, rate: float) -> float:
        """The slowest answers of an open loop; a run whose generator was late is taken again."""
        late = 0
        while True:
            load = self.load(self.collector, EVENTS_PATH, requests, a_request=a_request, rate=rate)
            try:
                return self.cost(self.collector, load, accepted=requests * a_request)[1].quantile_s(0.99)
            except GeneratorLate as error:
                late += 1
                if late > LATE_RETAKES:
                    raise
                self._session.say(f"taking it again: {error}")

    def load(
        self, server: HttpServer, path: str, requests: int, *, a_request: int = 1, rate: float = 0.0
    ) -> Load:
        """Requests with events nobody has sent yet; with a rate, an open loop."""
        self._plans += 1
        now_ms = int(self._session.clock.now().timestamp() * 1000)
        plan = events.Plan(
            seed=self._session.seed * 1_000 + self._plans, users=USERS, ends_at_ms=now_ms - AGE_MS
        )
        made = events.bodies(plan, requests * a_request, a_request=a_request, known=events.Known())
        host = f"127.0.0.1:{server.port}"
        return Load(
            host="127.0.0.1",
            port=server.port,
            requests=[http1.request("POST", path, host=host, body=body, headers=HEADERS) for body in made],
            kind="open" if rate else "closed",
            connections=CONNECTIONS,
            rate=rate,
            seed=self._session.seed,
            total_of="accepted",
        )


def run(session: Session) -> None:
    """As large as the scale says."""
    sizes = SIZES[session.scale]
    session.setting("one event a request", f"{sizes.requests} requests a side, {CONNECTIONS} connections")
    session.setting(
        "a hundred a request", f"{sizes.batches} requests, {CONNECTIONS} connections, closed loop"
    )
    session.setting("event ids", "UUIDv7")
    _validation(session, sizes)
    servers = session.keep(Servers(session.scratch / "broker", {}, clock=session.clock))
    topic.recreate(servers.bootstrap, clock=session.clock)
    collector, bare = (
        session.keep(
            HttpServer(
                program,
                bootstrap=servers.bootstrap,
                directory=session.scratch / program.name,
                clock=session.clock,
                settings=UNLIMITED,
            )
        )
        for program in (COLLECTOR, BARE)
    )
    door = Door(session, collector, bare)
    _one(session, door, sizes)
    _many(session, door, sizes)
    _quiet(session, door, sizes)


def _one(session: Session, door: Door, sizes: Sizes) -> None:
    """The pairs: the collector against the route that produces, and against the one that only answers."""

    def side(name: str, server: HttpServer, path: str, *, checked: bool = False) -> Side:
        def work() -> Cost:
            load = door.load(server, path, sizes.requests)
            return door.cost(server, load, accepted=sizes.requests if checked else 0)[0]

        return Side(name, work)

    ours = side("collector", door.collector, EVENTS_PATH, checked=True)
    produce = side("bare route, produces and awaits the ack", door.bare, PRODUCE)
    echo = side("bare route, only answers", door.bare, ECHO)
    session.compare(
        "collector.one.bare",
        "One event a request, CPU of the server",
        a=ours,
        b=produce,
        unit="request",
        target=TARGET_RATIO,
        gates=True,
        note="the same server, workers, threads and settings of the producer on both sides",
    )
    session.compare(
        "collector.one.echo", "One event a request beside a bare echo", a=ours, b=echo, unit="request"
    )


def _many(session: Session, door: Door, sizes: Sizes) -> None:
    """What one core takes in, how long an answer takes at most of that load, and what it holds in memory."""
    wanted = sizes.batches * MANY
    rates: list[float] = []
    held: list[float] = []

    def a_core() -> float:
        load = door.load(door.collector, EVENTS_PATH, sizes.batches, a_request=MANY)
        cost, _ = door.cost(door.collector, load, accepted=wanted)
        rates.append(sizes.batches / cost.wall_s)
        held.append(door.collector.worker_rss_bytes() / MIB)
        return wanted / cost.cpu_total_s

    session.repeat(
        "collector.hundred.core",
        f"{MANY} events a request: events of one core's time",
        "events/s",
        a_core,
        times=sizes.repeats,
        better="higher",
        target=TARGET_EVENTS_A_CORE,
    )
    session.figure(
        "collector.rss",
        "memory of the worker, after each of these loads",
        "MiB",
        held,
        target=TARGET_WORKER_MIB,
        note=f"{wanted:,} events more each time",
    )
    rate = sorted(rates)[len(rates) // 2] * LOADED_SHARE

    def loaded() -> float:
        return door.p99_s(requests=max(1, round(rate * sizes.open_s)), a_request=MANY, rate=rate)

    session.repeat(
        "collector.hundred.p99",
        f"{MANY} events a request at {LOADED_SHARE:.0%} of what a closed loop reached: answer, p99",
        "s",
        loaded,
        warm_up=False,
        target=TARGET_P99_LOADED_S,
    )


def _quiet(session: Session, door: Door, sizes: Sizes) -> None:
    """How long an answer takes at the rate the product is sold for."""

    def quiet() -> float:
        requests = round(QUIET_RATE * sizes.open_s)
        return door.p99_s(requests=requests, a_request=QUIET_EVENTS, rate=QUIET_RATE) * 1000

    session.repeat(
        "collector.quiet.p99",
        f"{QUIET_RATE} requests/s of {QUIET_EVENTS} events: answer, p99",
        "ms",
        quiet,
        warm_up=False,
        target=TARGET_P99_QUIET_MS,
    )


def _validation(session: Session, sizes: Sizes) -> None:
    """Reading alone, in this process, every tenth event bad in one way of several."""
    now = session.clock.now()
    plan = events.Plan(seed=session.seed, users=USERS, ends_at_ms=int(now.timestamp() * 1000) - AGE_MS)
    raws = [
        spoilt(events.as_json(event), number) if number % BAD_EVERY == 0 else events.as_json(event)
        for number, event in enumerate(events.events(plan, sizes.validated))
    ]
    received_at = now + timedelta(milliseconds=AGE_MS)

    def work() -> float:
        began = time.thread_time()
        for raw in raws:
            read(raw, received_at=received_at)
        return (time.thread_time() - began) / len(raws) * 1e6

    session.repeat(
        "collector.validation",
        f"reading an event, every {BAD_EVERY}th of them bad",
        "µs",
        work,
        times=sizes.repeats,
        target=TARGET_VALIDATION_US,
    )


def spoilt(raw: bytes, number: int) -> bytes:
    """The same event with one of the faults that senders make."""
    faults = (
        (b'"user_id"', b'"userId"'),
        (b'"event_id":"', b'"event_id":"x'),
        (b'Z","user_id"', b'","user_id"'),
        (b'"value":', b'"value":"7","was":'),
        (b'"properties":{', b'"properties":[{'),
    )
    right, wrong = faults[number // BAD_EVERY % len(faults)]
    return raw.replace(right, wrong, 1)


BENCH = Bench(
    name="collector",
    asks="What does a request cost the collector, held against a bare Flask route on the same server?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 4 * 2**30, "full": 20 * 2**30},
)
