"""The yardstick of our ETL: ClickHouse's own Kafka engine draining the same topic into the same tables.

Both sides run alone, in turn, against the same broker, each into a warehouse of its own of the same kind
and size, with the tables that the real migrations make; each drain begins with empty tables and an unused
group, and ends with every count checked. The engine stores at least once and looks for nothing; the ETL
runs with all it promises. At full scale so many records are drained that the slower side takes `seconds`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks import events
from benchmarks.draining import topic
from benchmarks.draining.drain import STEPS_MIN, Drained, Drainer, Table, drain
from benchmarks.draining.engine import LARGE, TUNED, KafkaEngine, Tuning
from benchmarks.draining.ours import Etl
from benchmarks.draining.servers import WAREHOUSE_MEMORY_MB, Servers
from benchmarks.frame.figures import Cost
from benchmarks.frame.session import Bench, Rival, Session, Side
from contract.topics import EVENTS

MIB = 2**20
USERS = 10_000
PAIRS = 7
# At least so many blocks of the engine, or its speed is a matter of how many happened to be whole.
RECORDS_MIN = 400_000
CALIBRATION_RECORDS = 400_000
TARGET = 1 / 1.7
OURS, THEIRS = "etl_warehouse", "engine_warehouse"
ENGINES = {TUNED.name: "engine", LARGE.name: "engine_large"}
CALLED = {"etl": "ETL", "engine": "Kafka engine", "engine_large": "Kafka engine, large blocks"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """`seconds`: what the slower side should take; at least `records_min`, so that its largest blocks are
    several, and `records_max` whatever it takes."""

    records_min: int
    records_max: int
    seconds: float = 0
    compare: bool = True


SIZES = {
    "quick": Sizes(records_min=RECORDS_MIN, records_max=RECORDS_MIN, compare=False),
    "standard": Sizes(records_min=1_000_000, records_max=1_000_000),
    "full": Sizes(records_min=1_000_000, records_max=15_000_000, seconds=30),
}


@dataclass(slots=True)
class Field:
    """The two sides on one filled topic."""

    session: Session
    servers: Servers
    tables: dict[str, Table]
    records: int
    topic_id: str

    def etl(self) -> Etl:
        return Etl(self.servers, OURS, directory=self.session.scratch / "etl", topic_id=self.topic_id)

    def engine(self, server: str, tuning: Tuning) -> KafkaEngine:
        return KafkaEngine(self.servers, server, tuning, topic_id=self.topic_id)

    def drain(self, side: Drainer, server: str, *, steps_min: int = STEPS_MIN) -> Drained:
        return drain(self.session, side, self.tables[server], records=self.records, steps_min=steps_min)


def run(session: Session) -> None:
    """Calibrate, compare on UUIDv7 ids, with an engine tuned for rows a second too, then on UUIDv4."""
    sizes = SIZES[session.scale]
    session.setting("engine, tuned", {**TUNED.table, **TUNED.librdkafka})
    session.setting("engine, large blocks", {**LARGE.table, **LARGE.librdkafka})
    session.setting("ETL", "as it comes, one process")
    session.setting("partitions", EVENTS.partitions)
    session.setting("memory of each warehouse, MiB", WAREHOUSE_MEMORY_MB)
    warehouses: dict[str, Mapping[str, str]] = {OURS: {}, THEIRS: TUNED.librdkafka}
    servers = session.keep(Servers(session.scratch / "servers", warehouses, clock=session.clock))
    tables = {name: Table(servers.dsn(name, "admin")) for name in warehouses}
    if not sizes.compare:
        _in_short(session, filled(session, servers, tables, "uuid7", RECORDS_MIN))
        session.skip("ETL against Kafka engine, in pairs", "seven pairs take minutes: --scale standard")
        return
    records = sizes.records_min
    if sizes.records_max > records:
        field = filled(session, servers, tables, "uuid7", CALIBRATION_RECORDS)
        records = _calibrated(session, field, sizes)
    field = filled(session, servers, tables, "uuid7", records)
    _compare(session, field, "uuid7", TUNED, LARGE)
    field = filled(session, servers, tables, "uuid4", max(RECORDS_MIN, records * 2 // 5))
    _compare(session, field, "uuid4", TUNED)


def filled(
    session: Session, servers: Servers, tables: dict[str, Table], ids: events.Ids, records: int
) -> Field:
    """A topic with so many records in it, and nothing else."""
    topic_id = topic.recreate(servers.bootstrap, clock=session.clock)
    now_ms = int(session.clock.now().timestamp() * 1000)
    plan = events.Plan(seed=session.seed, users=USERS, ends_at_ms=now_ms, ids=ids)
    written = topic.fill(servers.bootstrap, events.records(plan, records))
    session.say(f"{written} records with ids {ids} are in the topic")
    session.setting(f"records, {ids}", written)
    return Field(session, servers, tables, written, topic_id)


def _calibrated(session: Session, field: Field, sizes: Sizes) -> int:
    """As many records as the slower side drains in `sizes.seconds`; also the warm-up of everything."""
    rates = []
    for side, server in ((field.etl(), OURS), (field.engine(THEIRS, TUNED), THEIRS)):
        field.tables[server].fresh()
        drained = field.drain(side, server)
        rates.append(_rate(drained.middle))
        session.say(f"{side.name}: {rates[-1]:,.0f} rows/s")
    return max(sizes.records_min, min(sizes.records_max, int(min(rates) * sizes.seconds)))


def _compare(session: Session, field: Field, ids: events.Ids, *tunings: Tuning) -> None:
    """Seven pairs with the engine in each tuning, and beside the ratios what each side did by itself."""
    names = ["etl", *(ENGINES[tuning.name] for tuning in tunings)]
    firsts: dict[str, list[float]] = {name: [] for name in names}

    def side(name: str, drainer: Drainer, server: str, *, steps_min: int) -> Side:
        def work() -> Cost:
            drained = field.drain(drainer, server, steps_min=steps_min)
            firsts[name].append(drained.first_row_s)
            return drained.middle

        return Side(drainer.name, work, before=field.tables[server].fresh)

    rivals = [
        Rival(
            f"kafka_engine.etl.{ids}.{tuning.name.partition(' ')[0]}",
            f"Topic → raw and aggregate, {ids.upper().replace('UUID', 'UUIDv')} ids, engine {tuning.name}",
            side(
                ENGINES[tuning.name],
                field.engine(THEIRS, tuning),
                THEIRS,
                steps_min=STEPS_MIN if tuning is TUNED else 1,
            ),
            target=TARGET,
            note=f"{field.records:,} records; all drain the same topic into the same tables",
        )
        for tuning in tunings
    ]
    ours = side("etl", field.etl(), OURS, steps_min=STEPS_MIN)
    compared = session.compare_all(ours, rivals, unit="row", pairs=PAIRS, measure="wall")
    costs = [[pair.a for pair in compared[0].pairs], *([pair.b for pair in each.pairs] for each in compared)]
    for name, of_one in zip(names, costs, strict=True):
        _side(session, name, ids, of_one)
        session.figure(
            f"kafka_engine.first_row.{name}.{ids}",
            f"{CALLED[name]}, {ids}: begun → first rows stored",
            "s",
            firsts[name],
        )


def _side(session: Session, name: str, ids: str, costs: Sequence[Cost]) -> None:
    """Rows a second, CPU of a row and peak memory by process."""
    session.figure(
        f"kafka_engine.rows.{name}.{ids}",
        f"{CALLED[name]}, {ids}: stored",
        "rows/s",
        [_rate(cost) for cost in costs],
        better="higher",
    )
    for role in sorted(set(costs[0].cpu_s) - {"bench"}):
        what = f"{CALLED[name]}, {ids}: {role}"
        cpu_us = [cost.cpu_s[role] / cost.units * 1e6 for cost in costs]
        peak = [cost.rss_peak_bytes[role] / MIB for cost in costs]
        session.figure(f"kafka_engine.cpu.{name}.{ids}.{role}", f"{what}, CPU of a row", "µs", cpu_us)
        session.figure(f"kafka_engine.rss.{name}.{ids}.{role}", f"{what}, memory at its peak", "MiB", peak)


def _in_short(session: Session, field: Field) -> None:
    """One drain of each: that it works and is right, and about how fast."""
    for name, side, server in (
        ("etl", field.etl(), OURS),
        ("engine", field.engine(THEIRS, TUNED), THEIRS),
    ):
        field.tables[server].fresh()
        drained = session.steady(partial(field.drain, side, server))
        _side(session, name, "uuid7", [drained.middle])


def _rate(cost: Cost) -> float:
    return cost.units / cost.wall_s


BENCH = Bench(
    name="kafka_engine",
    asks="Does our ETL, with all it promises, store faster than ClickHouse's own Kafka engine?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 6 * 2**30, "full": 30 * 2**30},
)
