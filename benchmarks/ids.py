"""What it costs to find out that an event is new, with the ids of thirty days stored.

Ranges of 50,000 events, four partitions side by side, go through the ETL's own `Dedup` against a warehouse
of its own with the real tables. The memory is first made as the ETL makes it: the first ids are asked for,
then all stored ones are read once. Measured is the judging of a range; storing it is not, remembering it is
told apart. Every range is new, or holds copies of rows that were stored shortly before, or of ids that were
stored within the thirty days; one event judged wrongly voids the run.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.engines.warehouse import Warehouse
from benchmarks.events import Ids
from benchmarks.frame.session import Bench, Session
from benchmarks.remembering import history
from benchmarks.remembering.asking import CLIENT, WAREHOUSE, Answered, Asker, CountingStore
from benchmarks.remembering.history import History
from benchmarks.remembering.ranges import ROWS, Cut, Ranges
from etl.filter import BITS_A_KEY_MIN
from etl.seen import FILTER_SHARE
from etl.settings import EtlSettings

VERSIONS: tuple[Ids, ...] = ("uuid7", "uuid4")
SAMPLES = 5
COPIES_SHARE = 0.2
TARGET_US = 0.5
SEEN_BYTES_MAX: int = EtlSettings.model_fields["etl_seen_bytes_max"].default
# Of memory for ids that tell no time, so that all of them are held with twice what the least would be.
ROOM = 1.6
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Sizes:
    """`stored`: ids in the warehouse; `versions`: which are measured, the others are named as skipped."""

    stored: int
    versions: tuple[Ids, ...] = VERSIONS
    samples: int = SAMPLES
    rows: int = ROWS


SIZES = {
    "quick": Sizes(300_000, versions=("uuid7",), samples=1, rows=30_000),
    "standard": Sizes(10_000_000),
    "full": Sizes(100_000_000),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One version of ids, filled, and how the memory for them is set."""

    session: Session
    warehouse: Warehouse
    version: Ids
    stored: History
    sizes: Sizes
    seen_bytes_max: int

    @property
    def key(self) -> str:
        return self.version if self.seen_bytes_max == SEEN_BYTES_MAX else f"{self.version}_roomy"

    @property
    def name(self) -> str:
        roomy = f", {self.seen_bytes_max // MIB} MiB for ids" if self.key != self.version else ""
        return f"{self.stored.count:,} UUIDv{self.version[-1]} stored{roomy}"


def run(session: Session) -> None:
    """As large as the scale says."""
    measure(session, SIZES[session.scale])
    if session.scale == "quick":
        session.skip(
            "UUIDv4, and UUIDv7 with millions stored", "the tables take a minute to fill: --scale standard"
        )


def measure(session: Session, sizes: Sizes) -> None:
    """Fill, judge, ask, judge copies: for each version of ids."""
    warehouse = Warehouse(session.scratch / "warehouse", clock=session.clock)
    session.setting("events in a range", sizes.rows)
    session.setting(
        "partitions side by side", len(Ranges(seed=0, version="uuid7", begins_at_ms=0).assignments)
    )
    session.setting("memory for ids, MiB", SEEN_BYTES_MAX // MIB)
    session.setting("memory of the warehouse, MiB", warehouse.memory_mb)
    try:
        warehouse.start()
        for version in sizes.versions:
            stored = history.fill(session, warehouse.dsn("admin"), version=version, count=sizes.stored)
            session.setting(f"{version}: parts of event_ids", stored.parts)
            session.figure(
                f"ids.disk.{version}",
                f"{stored.count:,} UUIDv{version[-1]} stored: bytes on disk of an id",
                "bytes",
                [stored.bytes_on_disk / stored.count],
            )
            _case(Case(session, warehouse, version, stored, sizes, SEEN_BYTES_MAX))
            if version == "uuid4" and (room := needed_bytes(sizes.stored)) > SEEN_BYTES_MAX:
                _case(Case(session, warehouse, version, stored, sizes, room), bare=False)
    finally:
        warehouse.stop()


def needed_bytes(stored: int) -> int:
    """The UGC_ETL_SEEN_BYTES_MAX that is enough to hold so many ids that tell no time; whole MiB."""
    return -(-int(stored * BITS_A_KEY_MIN / 8 * ROOM / FILTER_SHARE) // MIB) * MIB


def _case(case: Case, *, bare: bool = True) -> None:
    session, sizes, key, name = case.session, case.sizes, case.key, case.name
    asker = Asker(
        session,
        CountingStore.at(case.warehouse.dsn("writer")),
        pid=case.warehouse.pid,
        seen_bytes_max=case.seen_bytes_max,
    )
    ranges = Ranges(
        # Other ids than those of an earlier case on the same tables.
        seed=session.seed + case.seen_bytes_max,
        version=case.version,
        begins_at_ms=int(session.clock.now().timestamp() * 1000),
    )
    if bare:
        _tell(case, "bare", "the bare question", [_ask(case, asker, ranges) for _ in range(sizes.samples)])
    # Not measured. The memory holds for partitions that were met before it is read, so all are, first.
    asker.answer(list(ranges.window(rows=1)))
    asker.answer(list(ranges.window(rows=sizes.rows)))
    if asker.reading_s:
        session.figure(f"ids.reading.{key}", f"{name}: reading the memory", "s", asker.reading_s[:1])
    new = [_judge(case, asker, list(ranges.window(rows=sizes.rows))) for _ in range(sizes.samples)]
    _tell(case, "new", "an event is new", new, target=TARGET_US if case.version == "uuid7" else None)
    session.figure(
        f"ids.remember.{key}",
        f"{name}: remembering an event that was stored",
        "µs",
        [each.remembering_s / each.events * 1e6 for each in new],
    )
    _copies(case, asker, ranges)
    session.setting(f"{key}: memory held, MiB", f"{asker.dedup.bytes_held / MIB:.1f}")
    session.setting(f"{key}: of the stored ids are held", _held(case, asker, new))


def _judge(case: Case, asker: Asker, cuts: Sequence[Cut], *, copies: int = 0) -> Answered:
    return case.session.steady(lambda: asker.answer(cuts, copies=copies))


def _ask(case: Case, asker: Asker, ranges: Ranges) -> Answered:
    cut = next(ranges.window(ranges=1, rows=case.sizes.rows))
    return case.session.steady(lambda: asker.ask(cut))


def _copies(case: Case, asker: Asker, ranges: Ranges) -> None:
    """Ranges with copies of rows of a minute ago, and one with copies of what was stored in thirty days."""
    sizes = case.sizes
    count = int(sizes.rows * COPIES_SHARE)
    recent = [next(ranges.window(ranges=1, rows=count)) for _ in range(sizes.samples)]
    for cut in recent:
        asker.store_all(cut)
    mixed = [ranges.mixed(0, cut.records, rows=sizes.rows) for cut in recent]
    taken = [_judge(case, asker, [cut], copies=count) for cut in mixed]
    _tell(case, "copies", f"an event is new or a copy, {COPIES_SHARE:.0%} are recent copies", taken)
    # Rows of those ids are not in raw, so what they say cannot be compared: only that they are known.
    old = history.some(case.warehouse.dsn("admin"), of=case.stored, limit=count)
    cut = ranges.mixed(0, ranges.like(old), rows=sizes.rows)
    fresh = asker.dedup.keep_new(cut.assignment, cut.range, cut.batch, redo=False)
    case.session.check(f"{case.key}: ids of thirty days, known again", len(old), fresh.duplicates)
    case.session.check(f"{case.key}: of those, called new", 0, len(set(old).intersection(fresh.rows.ids)))


def _tell(
    case: Case, word: str, what: str, taken: Sequence[Answered], *, target: float | None = None
) -> None:
    """Wall time and CPU by event, and how much of it was asked."""
    start, name = f"ids.{word}.{case.key}", f"{case.name}: {what}"
    walls = [each.wall_us for each in taken]
    case.session.say(f"{name}: {', '.join(f'{each:.3g}' for each in walls)} µs")
    case.session.figure(f"{start}.wall", name, "µs", walls, target=target)
    for role, called in ((CLIENT, "client"), (WAREHOUSE, "warehouse")):
        cpu_us = [each.cpu_us(role) for each in taken]
        case.session.figure(f"{start}.{called}", f"{name}, CPU of the {called}", "µs", cpu_us)
    if word != "bare":
        asked = [each.asked_percent for each in taken]
        case.session.figure(f"{start}.asked", f"{name}, asked of the warehouse", "% of events", asked)


def _held(case: Case, asker: Asker, new: Sequence[Answered]) -> str:
    if not asker.reading_s:
        return "none: too few were asked for to read them"
    if all(each.asked == each.events for each in new):
        needed = needed_bytes(case.stored.count) // MIB
        return f"none: they need more memory ({needed} MiB are enough), so every id is asked for"
    return "all, in a filter"


BENCH = Bench(
    name="ids",
    asks="What does it cost to find out that an event is new, with the ids of thirty days stored?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 2 * 2**30, "full": 12 * 2**30},
)
