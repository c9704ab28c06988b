"""What an outage of the ETL costs: how long nothing is stored, how fast it catches up, in how much memory.

A broker and a warehouse as the local stack runs them. In each outage the ETL is killed (SIGKILL) under a
live load and started again by itself; afterwards every event that was written is there once, in raw, in
the remembered ids and in the aggregate. The memory is that of an ETL that finds a backlog when it starts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from secrets import token_hex

from benchmarks import events
from benchmarks.draining import topic
from benchmarks.draining.drain import STALLED_S, Table
from benchmarks.draining.ours import Etl
from benchmarks.draining.servers import Servers
from benchmarks.frame.errors import BenchFailed
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Bench, Session
from benchmarks.recovering.feeding import Feeder, Task
from benchmarks.recovering.outage import GroupProgress, Outage, outage
from contract.topics import EVENTS
from embedded.stack_settings import StackSettings
from embedded.supervisor import BACKOFF_FIRST_S

MEGABYTE = 10**6
USERS = 10_000
WAREHOUSE = "warehouse"
WAREHOUSE_MEMORY_MB: int = StackSettings.model_fields["warehouse_memory_mb"].default
LOOK_EVERY_S = 0.1
CATCH_UP_TARGET = 3.0
FIRST_COMMIT_TARGET_S = 30.0
MEMORY_TARGET_MB = 400.0


@dataclass(frozen=True, slots=True)
class Sizes:
    """`outages`, each under `rate` events a second for `seconds` at most, and the `backlog` to drain."""

    outages: int
    backlog: int
    rate: int = 20_000
    seconds: int = 120


SIZES = {
    "quick": Sizes(outages=0, backlog=100_000),
    "standard": Sizes(outages=1, backlog=1_000_000),
    "full": Sizes(outages=5, backlog=5_000_000),
}


def run(session: Session) -> None:
    """As large as the scale says."""
    measure(session, SIZES[session.scale])
    if session.scale == "quick":
        session.skip("a kill under load", "the group waits ten seconds for the dead: --scale standard")


def measure(session: Session, sizes: Sizes) -> None:
    """Outages first, then the backlog."""
    session.setting("ETL", "as it comes, one process")
    session.setting("partitions", EVENTS.partitions)
    session.setting("memory of the warehouse, MiB", WAREHOUSE_MEMORY_MB)
    servers = session.keep(
        Servers(
            session.scratch / "servers",
            {WAREHOUSE: {}},
            clock=session.clock,
            warehouse_memory_mb=WAREHOUSE_MEMORY_MB,
        )
    )
    table = Table(servers.dsn(WAREHOUSE, "admin"))
    if sizes.outages:
        session.setting("load", f"{sizes.rate} events/s written to the log, open loop, evenly spaced")
        found = [_outage(session, servers, table, sizes, number) for number in range(sizes.outages)]
        _figures(session, sizes, found)
    _memory(session, sizes.backlog, _backlog(session, servers, table, sizes.backlog))


def _outage(session: Session, servers: Servers, table: Table, sizes: Sizes, number: int) -> Outage:
    table.fresh()
    topic_id = topic.recreate(servers.bootstrap, clock=session.clock)
    group = f"recovery-{topic_id}-{token_hex(4)}"
    etl = Etl(servers, WAREHOUSE, directory=session.scratch / "etl", topic_id=topic_id, group=group)
    task = Task(
        bootstrap=servers.bootstrap,
        seed=session.seed * 1_000 + number,
        users=USERS,
        begins_at_ms=_now_ms(session),
        rate=sizes.rate,
        seconds=sizes.seconds,
    )
    with GroupProgress(servers.bootstrap, group) as progress, Feeder(task) as feeder:
        try:
            found = session.steady(lambda: outage(session, etl, feeder, progress, rate=sizes.rate))
            session.say(
                f"killed: first commit after {found.first_commit_s:.1f} s, {found.backlog:,} behind, "
                f"caught up in {found.catching_up_s:.1f} s, {found.ratio:.2f}x of what arrived"
            )
            _until_counted(session, etl, table, found.fed.records)
        finally:
            etl.end()
    _check(session, table, found.fed.records, "events written")
    return found


def _backlog(session: Session, servers: Servers, table: Table, count: int) -> Cost:
    """An ETL that starts with so many records before it; what it took until all were counted."""
    table.fresh()
    topic_id = topic.recreate(servers.bootstrap, clock=session.clock)
    plan = events.Plan(seed=session.seed, users=USERS, ends_at_ms=_now_ms(session))
    written = topic.fill(servers.bootstrap, events.restamped(plan, count))
    etl = Etl(servers, WAREHOUSE, directory=session.scratch / "etl", topic_id=topic_id)

    def drained() -> Cost:
        etl.begin()
        with session.watch(etl.pids()) as watch:
            _until_counted(session, etl, table, written)
        return watch.cost(units=written)

    try:
        cost = session.steady(drained)
    finally:
        etl.end()
    _check(session, table, written, "records of the backlog")
    return cost


def _until_counted(session: Session, etl: Etl, table: Table, wanted: int) -> None:
    """Wait until so many are stored and counted. Raises BenchFailed when it stands still."""
    clock, last, moved_at = session.clock, -1, session.clock.monotonic()
    while (found := min(table.rows(), table.counted())) < wanted:
        etl.require_alive()
        if found != last:
            last, moved_at = found, clock.monotonic()
        elif clock.monotonic() - moved_at > STALLED_S:
            raise BenchFailed(
                f"the ETL stands still at {found} of {wanted} for {STALLED_S:.0f} s: {etl.last_words()}"
            )
        clock.sleep(LOOK_EVERY_S)


def _check(session: Session, table: Table, wanted: int, of: str) -> None:
    for what, count in (
        ("rows in events_raw", table.rows),
        ("different ids in events_raw", table.distinct),
        ("ids remembered", table.remembered),
        ("events in the aggregate", table.counted),
    ):
        session.check(f"{what}, of {of}", wanted, count())


def _figures(session: Session, sizes: Sizes, found: list[Outage]) -> None:
    under = f"ETL killed under {sizes.rate:,} events/s"

    def figure(key: str, name: str, unit: str, of: Callable[[Outage], float]) -> None:
        session.figure(f"recovery.{key}", f"{under}: {name}", unit, [of(each) for each in found])

    session.figure(
        "recovery.first_commit",
        f"{under} → first commit",
        "s",
        [each.first_commit_s for each in found],
        target=FIRST_COMMIT_TARGET_S,
        note=f"started again after {BACKOFF_FIRST_S} s, as the local stack's supervisor does",
    )
    session.figure(
        "recovery.catch_up",
        f"{under}: drained / arriving, until the lag is the usual one",
        "x",
        [each.ratio for each in found],
        better="higher",
        target=CATCH_UP_TARGET,
    )
    figure("assigned", "→ a new process has the partitions", "s", lambda each: each.assigned_s)
    figure("backlog", "behind when it has them", "events", lambda each: each.backlog)
    figure("catching_up", "has the partitions → usual lag", "s", lambda each: each.catching_up_s)
    figure("usual_lag", "largest lag before", "events", lambda each: each.usual_lag)


def _memory(session: Session, count: int, cost: Cost) -> None:
    name = f"backlog of {count:,} drained"
    for role in sorted(set(cost.rss_peak_bytes) - {"bench"}):
        session.figure(
            f"recovery.memory.{role}",
            f"{name}: {role.replace('etl', 'ETL')}, memory at its peak",
            "MB",
            [cost.rss_peak_bytes[role] / MEGABYTE],
            target=MEMORY_TARGET_MB if role == "etl" else None,
        )
    session.figure(
        "recovery.drained", f"{name}: start to last", "rows/s", [count / cost.wall_s], better="higher"
    )


def _now_ms(session: Session) -> int:
    return int(session.clock.now().timestamp() * 1000)


BENCH = Bench(
    name="recovery",
    asks="How long does the ETL take to come back after a crash and to catch up, and in how much memory?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 3 * 2**30, "full": 10 * 2**30},
)
