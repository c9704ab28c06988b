"""`ugc rollup rebuild` beside everything else: readers, writers, another rebuild, one that was killed."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from warehouse_rows import HOUR, Stand, day_text, days_before, today_at

from clickhouse import rebuilding
from clickhouse.auditing import Auditor
from clickhouse.catalog import job
from clickhouse.client import WarehouseError, connect
from clickhouse.rebuilding import NotRebuilt, Rebuilder
from telemetry.clock import SystemClock

pytestmark = pytest.mark.stack

YESTERDAY = today_at() - timedelta(days=1)
DAY = day_text(YESTERDAY)
COUNTED = f"SELECT countMerge(actions) FROM events_by_quarter_hour WHERE toDate(bucket_at) = '{DAY}'"
ACTIVE = f"SELECT uniqExact(user_id) FROM user_activity WHERE day = '{DAY}'"


def rebuilder(dsn: str) -> Rebuilder:
    return Rebuilder(connect(dsn), clock=SystemClock())


def everything(here: Stand) -> Any:
    return here.admin.query(
        """SELECT
            (SELECT groupBitXor(cityHash64(*)) FROM (
                SELECT bucket_at, event_type, is_bot, kafka_partition, countMerge(actions), uniqMerge(users),
                    sumMerge(points), max(kafka_offset_max) FROM events_by_quarter_hour GROUP BY 1, 2, 3, 4)),
            (SELECT groupBitXor(cityHash64(*)) FROM (
                SELECT day, is_bot, user_id, groupBitOr(quarter_hours) FROM user_activity GROUP BY 1, 2, 3)),
            (SELECT groupBitXor(cityHash64(*)) FROM (
                SELECT user_id, is_bot, min(first_at), max(last_at) FROM user_spans GROUP BY 1, 2)),
            (SELECT count() FROM event_ids)"""
    ).first_row


def test_twice_is_as_once_and_other_days_are_left_alone(
    here: Stand, own_dsn: str, ugc: Callable[..., Any]
) -> None:
    here.insert(here.batch(90, times=days_before(3)))
    before = everything(here)
    first = ugc("rollup", "rebuild", "--day", DAY, "--json")
    assert (first.code, first.json["rebuilt"][0]["mended"]) == (0, [])
    assert everything(here) == before
    assert "nothing was wrong" in ugc("rollup", "rebuild", "--day", DAY).out
    assert everything(here) == before
    tables = {row[0] for row in here.admin.query("SHOW TABLES").result_rows}
    assert not [name for name in tables if rebuilding.BESIDE in name]


def test_rows_that_raw_lost_are_told(here: Stand, ugc: Callable[..., Any]) -> None:
    here.insert(here.batch(30, times=[YESTERDAY]))
    here.delete("events_raw", "kafka_offset < 2")
    done = ugc("rollup", "rebuild", "--day", DAY)
    assert done.code == 0
    assert "2 rows were counted before that events_raw does not hold" in done.err
    assert here.admin.query(COUNTED).first_row == (28,)


def test_a_day_that_raw_lost_whole_is_emptied(here: Stand, ugc: Callable[..., Any]) -> None:
    here.insert(here.batch(30, times=[YESTERDAY]))
    here.delete("events_raw")
    assert ugc("rollup", "rebuild", "--day", DAY).code == 0
    assert here.admin.query(COUNTED).first_row == (0,)
    assert ugc("audit", "--tables").code == 0


def test_readers_see_the_old_day_or_the_new_one(here: Stand, own_dsn: str) -> None:
    here.insert(here.batch(70, times=[YESTERDAY, YESTERDAY + HOUR]))
    reader, seen, ended = connect(own_dsn), set[Any](), threading.Event()

    def read() -> None:
        while not ended.is_set():
            seen.add((reader.query(COUNTED).first_row[0], reader.query(ACTIVE).first_row[0]))

    reading = threading.Thread(target=read)
    reading.start()
    for _ in range(3):
        rebuilder(own_dsn).rebuild(YESTERDAY.date())
    ended.set()
    reading.join()
    assert seen == {(70, 7)}


def test_events_that_come_meanwhile_are_counted_once(here: Stand, own_dsn: str) -> None:
    here.insert(here.batch(50, times=[YESTERDAY]))
    began = time.monotonic()
    rebuilder(own_dsn).rebuild(YESTERDAY.date())
    # Five that come at its worst moment end a rebuild, rightly: on a slow machine they come more slowly too.
    pause_s = max(0.3, time.monotonic() - began)
    ended = threading.Event()
    inserted = [50]

    def write() -> None:
        while not ended.is_set():
            here.insert(here.batch(5, first=inserted[0], times=[YESTERDAY]))
            inserted[0] += 5
            ended.wait(pause_s)

    writing = threading.Thread(target=write)
    writing.start()
    try:
        for _ in range(3):
            rebuilder(own_dsn).rebuild(YESTERDAY.date())
    finally:
        ended.set()
        writing.join()
    assert inserted[0] > 50
    assert here.counts() == here.whole(inserted[0])
    verdicts = list(Auditor(here.admin, sleep=time.sleep).day(YESTERDAY.date()))
    assert [str(verdict) for verdict in verdicts if not verdict.agrees] == []


def test_an_insert_that_slips_in_between_is_found_and_the_day_made_again(here: Stand, own_dsn: str) -> None:
    """Rows that came after the day was read and before it took its place: the worst moment, on purpose."""
    here.insert(here.batch(20, times=[YESTERDAY]))

    class Interrupted(Rebuilder):
        slipped = False

        def _feed(self, view: Any, day: Any, *, into: str) -> None:
            super()._feed(view, day, into=into)
            if not Interrupted.slipped and into.startswith("events_by_quarter_hour"):
                Interrupted.slipped = True
                here.insert(here.batch(7, first=20, times=[YESTERDAY]))

    done = Interrupted(connect(own_dsn), clock=SystemClock()).rebuild(YESTERDAY.date())
    assert done.rounds == 2
    assert here.counts() == here.whole(27)
    assert here.admin.query(COUNTED).first_row == (27,)


def test_a_day_that_never_rests_ends_in_a_clear_line(here: Stand, own_dsn: str) -> None:
    here.insert(here.batch(20, times=[YESTERDAY]))
    offsets = iter(range(20, 1_000))

    class Restless(Rebuilder):
        def _feed(self, view: Any, day: Any, *, into: str) -> None:
            super()._feed(view, day, into=into)
            if into.startswith("events_by_quarter_hour"):
                here.insert(here.batch(1, first=next(offsets), times=[YESTERDAY]))

    with pytest.raises(NotRebuilt, match="stop the ETL"):
        Restless(connect(own_dsn), clock=SystemClock()).rebuild(YESTERDAY.date())


def test_copies_that_a_merge_moved_are_found_again_and_no_other_row_is_taken(
    here: Stand, own_dsn: str
) -> None:
    here.insert(here.batch(40, times=[YESTERDAY]))
    here.admin.command(
        "INSERT INTO events_raw SELECT * FROM events_raw WHERE kafka_offset < 5",
        settings={"insert_deduplicate": 0},
    )

    class Merged(Rebuilder):
        found = 0

        def _job(self, name: str, **parameters: Any) -> None:
            if name == "drop_copies" and self.found == 1:
                here.admin.command("OPTIMIZE TABLE events_raw FINAL")
            self.found += name == "find_copies"
            super()._job(name, **parameters)

    merged = Merged(connect(own_dsn), clock=SystemClock())
    assert merged.rebuild(YESTERDAY.date()).copies == 5
    assert merged.found == 2
    assert here.counts() == here.whole(40)


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), WarehouseError("the answer was lost")])
def test_one_that_is_interrupted_leaves_no_change_that_can_never_be_made(
    failure: BaseException, here: Stand, own_dsn: str
) -> None:
    here.insert(here.batch(40, times=[YESTERDAY]))
    here.admin.command(
        "INSERT INTO events_raw SELECT * FROM events_raw WHERE kafka_offset < 5",
        settings={"insert_deduplicate": 0},
    )

    class Interrupted(Rebuilder):
        """Ends while it waits for the copies to be gone."""

        def _job(self, name: str, **parameters: Any) -> None:
            if name == "drop_copies":
                sql = job(name).sql
                here.admin.command(sql, parameters=parameters, settings={"mutations_sync": 0})
                raise failure
            super()._job(name, **parameters)

    here.admin.command("SYSTEM STOP MERGES events_raw")
    with pytest.raises(type(failure)):
        Interrupted(connect(own_dsn), clock=SystemClock()).rebuild(YESTERDAY.date())
    here.admin.command("SYSTEM START MERGES events_raw")
    assert here.admin.query("SELECT count() FROM system.mutations WHERE NOT is_done").first_row == (0,)
    assert rebuilder(own_dsn).rebuild(YESTERDAY.date()).copies == 5
    assert here.counts() == here.whole(40)


def test_many_copies_are_taken_out_piece_by_piece(
    here: Stand, own_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.insert(here.batch(40, times=[YESTERDAY]))
    for _ in range(2):
        here.admin.command(
            "INSERT INTO events_raw SELECT * FROM events_raw", settings={"insert_deduplicate": 0}
        )
    monkeypatch.setattr(rebuilding, "COPIES_AT_ONCE", 17)
    assert rebuilder(own_dsn).rebuild(YESTERDAY.date()).copies == 120
    assert here.counts() == here.whole(40)


def test_what_a_killed_rebuild_left_is_removed_by_the_next(
    here: Stand, own_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.insert(here.batch(20, times=[YESTERDAY]))
    for table in ("events_by_quarter_hour", "events_raw"):
        here.admin.command(f"CREATE TABLE {table}{rebuilding.BESIDE}left AS {table}")
    rebuilder(own_dsn).rebuild(YESTERDAY.date())

    def left() -> list[str]:
        names = [row[0] for row in here.admin.query("SHOW TABLES").result_rows]
        return sorted(name for name in names if rebuilding.BESIDE in name)

    assert len(left()) == 2, "it may be in use"
    monkeypatch.setattr(rebuilding, "LEFT_AFTER_S", 0)
    time.sleep(1.1)
    rebuilder(own_dsn).rebuild(YESTERDAY.date())
    assert left() == []


class After(Rebuilder):
    """Does something more after each change that it makes."""

    def __init__(self, dsn: str, then: Callable[[str], None]) -> None:
        super().__init__(connect(dsn), clock=SystemClock())
        self._then = then

    def _job(self, name: str, **parameters: Any) -> None:
        super()._job(name, **parameters)
        self._then(name)


def test_whoever_asks_while_spans_are_narrowed_finds_every_user(here: Stand, own_dsn: str) -> None:
    """A user without a span would count as new."""
    early, came = YESTERDAY, YESTERDAY + 3 * HOUR
    here.insert(here.batch(1, times=[came], user_id="ann"))
    for user in ("ann", "nobody"):
        here.admin.command(
            f"INSERT INTO user_spans VALUES ('{user}', false, '{early:%F %T}', '{early:%F %T}')"
        )
    right, seen = f"{came:%F %T}", {}

    def look(job: str) -> None:
        seen[job] = [first[:19] for first, _ in span_of(here, "ann")]

    After(own_dsn, look).rebuild(YESTERDAY.date())
    assert seen == {
        "spans_too_wide": [f"{early:%F %T}"],
        "narrow_spans": [right],
        "tell_spans": [right],
        "end_changes": [right],
    }
    assert span_of(here, "nobody") == []


def test_a_rebuild_that_is_killed_leaves_every_span(here: Stand, own_dsn: str) -> None:
    # Of a day that events_raw holds no more, nothing but the span knows that the user came.
    old, at = YESTERDAY - timedelta(days=40), YESTERDAY + 5 * HOUR
    here.insert(here.batch(3, times=[YESTERDAY], user_id="ann"))
    here.admin.command(f"INSERT INTO user_spans VALUES ('ann', false, '{old:%F %T}', '{at:%F %T}')")

    def killed(job: str) -> None:
        if job in ("narrow_spans", "end_changes"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        After(own_dsn, killed).rebuild(YESTERDAY.date())
    rebuilder(own_dsn).rebuild(YESTERDAY.date())
    ((first, last),) = span_of(here, "ann")
    assert first[:10] == f"{old:%F}"
    assert last < f"{at:%F %T}"


def span_of(here: Stand, user: str) -> list[tuple[str, str]]:
    asked = """SELECT toString(min(first_at)), toString(max(last_at))
        FROM user_spans WHERE user_id = {user:String} GROUP BY user_id"""
    return [tuple(row) for row in here.admin.query(asked, parameters={"user": user}).result_rows]


def test_who_came_long_ago_is_no_newcomer_after_a_rebuild(here: Stand, own_dsn: str) -> None:
    """What first_at says, no other table does any more; only the last time is wrong."""
    old = YESTERDAY - timedelta(days=300)
    here.insert(here.batch(1, times=[YESTERDAY], user_id="ann"))
    at = YESTERDAY + 5 * HOUR
    here.admin.command(f"INSERT INTO user_spans VALUES ('ann', false, '{old:%F %T}', '{at:%F %T}')")
    rebuilder(own_dsn).rebuild(YESTERDAY.date())
    ((first, last),) = span_of(here, "ann")
    assert (first[:10], last[:19]) == (f"{old:%F}", f"{YESTERDAY:%F %T}")


def test_what_comes_of_other_days_while_spans_are_narrowed_stays(here: Stand, own_dsn: str) -> None:
    here.insert(here.batch(1, times=[YESTERDAY], user_id="ann"))
    at, before = YESTERDAY + 5 * HOUR, YESTERDAY - timedelta(days=1)
    here.admin.command(f"INSERT INTO user_spans VALUES ('ann', false, '{at:%F %T}', '{at:%F %T}')")

    def come(job: str) -> None:
        if job == "spans_too_wide":
            here.insert(here.batch(1, first=50, times=[before], user_id="ann"))

    After(own_dsn, come).rebuild(YESTERDAY.date())
    ((first, last),) = span_of(here, "ann")
    assert (first[:19], last[:19]) == (f"{before:%F %T}", f"{YESTERDAY:%F %T}")
