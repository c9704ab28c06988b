"""A hundred events a request: what one core takes in, beside the least that anybody could do with them here.

The bare route reads the same JSON, gives each event as it came to the same producer as a record of its own
and awaits all acknowledgements; it looks at nothing. So it does the least that a Flask route can do with so
many events on this server, with this client library, on this machine. The target stands all the same.
"""

from benchmarks.collecting.bare import EACH
from benchmarks.collecting.door import EVENTS_PATH, Door
from benchmarks.collecting.servers import HttpServer
from benchmarks.frame.figures import Comparison, Cost
from benchmarks.frame.session import Session, Side

MANY = 100
TARGET_EVENTS_A_CORE = 120_000
TARGET_WORKER_MIB = 150
TARGET_P99_LOADED_S = 1.0
# Of the rate a closed loop reached.
LOADED_SHARE = 0.8
MIB = 2**20


def run(session: Session, door: Door, *, batches: int, open_s: float, events_min: int) -> None:
    """The two routes in pairs, the memory of the worker after so many events, and the answers under load."""
    held: list[float] = []

    def side(name: str, server: HttpServer, path: str) -> Side:
        def work() -> Cost:
            load = door.load(server, path, batches, a_request=MANY)
            cost, _ = door.cost(server, load, accepted=batches * MANY)
            if server is door.collector:
                held.append(server.worker_rss_bytes() / MIB)
            return cost

        return Side(name, work)

    ours = side("collector", door.collector, EVENTS_PATH)

    compared = session.compare(
        "collector.hundred.bare",
        f"{MANY} events a request, CPU of the server",
        a=ours,
        b=side("bare route, produces each and awaits the acks", door.bare, EACH),
        unit="request",
        note="the bare route looks at nothing: it does the least that can be done with them on this server",
    )
    _a_core(session, compared)
    while len(held) * batches * MANY < events_min:
        ours.work()
    session.figure(
        "collector.rss",
        f"memory of the worker, after {len(held) * batches * MANY:,} events in all",
        "MiB",
        [held[-1]],
        target=TARGET_WORKER_MIB,
        note=f"{held[0]:.0f} MiB after the first {batches * MANY:,}",
    )
    walls = sorted(pair.a.wall_s for pair in compared.pairs)
    rate = batches / walls[len(walls) // 2] * LOADED_SHARE

    def loaded() -> float:
        return door.p99_s(requests=max(1, round(rate * open_s)), a_request=MANY, rate=rate)

    session.repeat(
        "collector.hundred.p99",
        f"{MANY} events a request at {LOADED_SHARE:.0%} of what a closed loop reached: answer, p99",
        "s",
        loaded,
        warm_up=False,
        target=TARGET_P99_LOADED_S,
    )


def _a_core(session: Session, compared: Comparison) -> None:
    """Both sides of the pairs as events of one core's time."""
    session.figure(
        "collector.hundred.core",
        f"{MANY} events a request: events of one core's time",
        "events/s",
        [_events_a_core(pair.a) for pair in compared.pairs],
        better="higher",
        target=TARGET_EVENTS_A_CORE,
        note="how much of the target is to be had here at all, the next line says",
        retaken=compared.retaken,
    )
    session.figure(
        "collector.hundred.core_bare",
        f"{MANY} events a request: the same of the bare route",
        "events/s",
        [_events_a_core(pair.b) for pair in compared.pairs],
        better="higher",
        note="it reads JSON, produces each event as it came and awaits the acks: the least there is to do",
        retaken=compared.retaken,
    )


def _events_a_core(cost: Cost) -> float:
    return cost.units * MANY / cost.cpu_total_s
