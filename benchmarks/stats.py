"""Every question of the stats API on a month of events: how fast, how it grows, what raw events would take.

A month of generated people with habits lies in the real tables, stored block by block as the ETL stores it.
A second warehouse holds a month of the same people with a tenth of the events. Asked first are the
warehouse's own answers, one after the other, without HTTP; what is exact is first held against the same
question in plain SQL to raw events, and all of it against what the generator knows. Then each call is made
as a client makes it: over HTTP, of an API that runs (benchmarks/answering/calls.py).

Without HTTP some questions are asked once more, `again`: by somebody who has read those days, after one more
event of the day that runs has come; so does an API find the days that it reads ahead. All others are asked
by somebody who has read nothing yet. Two keys of properties are given a column at the end, as
UGC_PROPERTY_COLUMNS does it, and asked for once more.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from benchmarks.answering import calls, filling, rounds, views
from benchmarks.answering.filling import Arrivals, Truth
from benchmarks.answering.questions import NAMED, Asked, Question, ask_raw, in_named_columns, questions
from benchmarks.answering.rounds import Month, Months
from benchmarks.draining.drain import Table
from benchmarks.engines.warehouse import Warehouse as Server
from benchmarks.frame.session import Bench, Session
from clickhouse import property_columns
from clickhouse.client import connect
from clickhouse.views import RAW, VIEWS
from clickhouse.warehouse import Scope, Warehouse
from ops.generating.plan import HOUR_MS, Plan

MILLION = 1_000_000
DAYS = 30
TENTH = 10
PARTS = """
SELECT table, sum(bytes_on_disk), count() FROM system.parts
WHERE active AND database = currentDatabase() GROUP BY table
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of it; the small warehouse has a tenth of the events. In a round each question is asked so
    often, and one that reads raw events seldom."""

    events: int
    users: int
    rounds: int = 5
    times: int = 12
    times_seldom: int = 4
    calls: int = calls.CALLS
    block_rows: int = filling.BLOCK_ROWS


SIZES = {
    "quick": Sizes(200_000, 10_000, rounds=3, times=3, times_seldom=1, calls=3, block_rows=10_000),
    "standard": Sizes(10 * MILLION, 100_000, rounds=3, times=6, times_seldom=2),
    "full": Sizes(100 * MILLION, MILLION, rounds=3, times=6, times_seldom=2),
}
UNWRITTEN = "SELECT count() FROM system.mutations WHERE database = currentDatabase() AND NOT is_done"
LOOK_EVERY_S = 0.25
# The targets speak of so many events; other months are no judgement of them.
TARGET_EVENTS = SIZES["standard"].events


def run(session: Session) -> None:
    """As large as the scale says."""
    measure(session, SIZES[session.scale])


def measure(session: Session, sizes: Sizes) -> None:
    """Fill two warehouses, check them, ask both."""
    session.setting("a month", f"{sizes.events:,} events of {sizes.users:,} users, and a tenth of the events")
    session.setting("asked", "one question at a time, over one connection, as the role reader")
    session.setting("asked of raw events", "as the role admin: a million users take more than a reader may")
    with ExitStack() as stack:
        large, truth, server = _month(session, stack, sizes.events, sizes)
        small, _, small_server = _month(session, stack, sizes.events // TENTH, sizes)
        asks = questions()
        _check(session, large, truth, asks)
        _ask(session, Months(session, large, small), asks, sizes)
        calls.measure(
            session,
            large,
            small,
            truth,
            rounds=sizes.rounds,
            times=sizes.calls,
            judged=sizes.events == TARGET_EVENTS,
        )
        with connect(server.dsn("admin")) as admin:
            _disk(session, large, admin.query(PARTS).result_rows)
            views.measure(session, admin, pid=server.pid, rows=sizes.block_rows)
        for each in (server, small_server):
            _name(session, each.dsn("admin"))
        _ask(session, Months(session, large, small), in_named_columns(), sizes)


def _ask(session: Session, months: Months, asks: Sequence[Question], sizes: Sizes) -> None:
    taken = rounds.take(
        months,
        asks,
        rounds=sizes.rounds,
        times=lambda each: sizes.times_seldom if each.seldom else sizes.times,
    )
    rounds.tell(session, asks, taken, judged=sizes.events == TARGET_EVENTS)


def _name(session: Session, dsn: str) -> None:
    """Give the keys a column, and wait until every event has it."""
    with connect(dsn) as admin:
        property_columns.ensure(admin, NAMED)
        while int(str(admin.command(UNWRITTEN))):
            session.clock.sleep(LOOK_EVERY_S)
    filling.settle(session, dsn)


def _month(session: Session, stack: ExitStack, events: int, sizes: Sizes) -> tuple[Month, Truth, Server]:
    """A warehouse of its own with so many events, merged as ten minutes after its last event."""
    server = Server(session.scratch / f"month-{events}", clock=session.clock)
    stack.callback(server.stop)
    server.start()
    Table(server.dsn("admin")).fresh()
    now_ms = int(session.clock.now().timestamp() * 1000)
    plan = Plan(
        events=events,
        users=sizes.users,
        days=DAYS,
        seed=session.seed,
        ends_at_ms=now_ms // HOUR_MS * HOUR_MS,
        copies_share=0.0,
    )
    truth = filling.fill(session, server.dsn("writer"), plan)
    filling.settle(session, server.dsn("admin"))
    filling.rest(session, server.dsn("admin"))
    client = stack.enter_context(connect(server.dsn("reader")))
    ends_at = datetime.fromtimestamp((plan.ends_at_ms - 1) / 1000, UTC)
    month = Month(
        answers=Warehouse(client, clock=session.clock),
        client=client,
        raw=stack.enter_context(connect(server.dsn("admin"))),
        dsn=server.dsn("reader"),
        asked=Asked(ends_at.date()),
        events=truth.events,
        arrive=Arrivals(stack.enter_context(connect(server.dsn("writer"))), ends_at).one,
        clock=session.clock,
    )
    return month, truth, server


def _check(session: Session, month: Month, truth: Truth, asks: Sequence[Question]) -> None:
    """Every answer that is exact, against raw events; raw events, against the generator. Raises Void."""
    asked = month.asked
    ((stored,),) = month.client.query(f"SELECT count() FROM {RAW}").result_rows  # noqa: S608
    session.check("events stored, of those generated", truth.events, int(stored))
    users = {day: n for day, n in truth.dau.items() if asked.first <= day <= asked.last}
    found = month.answers.dau(Scope(), asked.first, asked.last)
    session.check("daily users, of the generator's", users, {each.date: each.users for each in found.rows})
    for each in asks:
        if each.as_raw is not None:
            answer = each.as_raw(each.ask(month.answers, asked))
            raw = ask_raw(month.raw, each, asked)
            session.check(f"{each.name}: rows equal to those from raw events", True, answer == raw)


def _disk(session: Session, month: Month, rows: Sequence[Sequence[object]]) -> None:
    """What a million events take, by table."""
    tables = {RAW, *(view.target for view in VIEWS)}
    for table, size, parts in sorted(rows, key=lambda row: -int(str(row[1]))):
        if table not in tables:
            continue
        session.figure(
            f"stats.disk.{table}",
            f"{table}: on disk, of a million events",
            "bytes",
            [int(str(size)) / month.events * MILLION],
        )
        session.setting(f"{table}: parts", parts)


BENCH = Bench(
    name="stats",
    asks="How fast is every question of the stats API on a month of events, and what would raw events take?",
    run=run,
    disk_bytes={"quick": 2**30, "standard": 8 * 2**30, "full": 24 * 2**30},
)
