"""What a request costs the collector, held against a bare Flask route on the same server.

Both are processes of their own and write to the same broker, set alike. A closed loop of sixteen connections
sends to one, then to the other; the CPU of the server's processes by request is what is compared. A hundred
events a request say what one core takes in a second, and a load of open loop how long an answer takes.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from benchmarks import events
from benchmarks.collecting import many
from benchmarks.collecting.bare import ECHO, PRODUCE
from benchmarks.collecting.door import AGE_MS, CONNECTIONS, EVENTS_PATH, USERS, Door
from benchmarks.collecting.servers import BARE, COLLECTOR, HttpServer
from benchmarks.draining import topic
from benchmarks.draining.servers import Servers
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Bench, Rival, Session, Side
from contract.reading import read

# Everything comes from one address: the limit is asked at every request and never reached.
UNLIMITED = {"UGC_RATE_LIMIT_PER_MINUTE": "1000000000", "UGC_RATE_LIMIT_BURST": "10000000"}
TARGET_RATIO = 1.35
TARGET_VALIDATION_US = 6.0
TARGET_P99_QUIET_MS = 50.0
QUIET_RATE = 20
# Some 2 KB.
QUIET_EVENTS = 8
BAD_EVERY = 10


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of it."""

    requests: int
    batches: int
    repeats: int
    open_s: float
    validated: int = 5_000
    # The worker's memory is looked at after so many.
    events_min: int = 1_000_000


SIZES = {
    "quick": Sizes(requests=1_000, batches=200, repeats=5, open_s=3.0, events_min=0),
    "standard": Sizes(requests=3_000, batches=600, repeats=7, open_s=6.0),
    "full": Sizes(requests=20_000, batches=10_000, repeats=7, open_s=60.0),
}


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
    many.run(session, door, batches=sizes.batches, open_s=sizes.open_s, events_min=sizes.events_min)
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
    session.compare_all(
        ours,
        [
            Rival(
                "collector.one.bare",
                "One event a request, CPU of the server",
                produce,
                target=TARGET_RATIO,
                gates=True,
                note="the same server, workers, threads and settings of the producer on both sides",
            ),
            Rival("collector.one.echo", "One event a request beside a bare echo", echo),
        ],
        unit="request",
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
