"""The check by offsets on the real engine: every way an insert can be torn, made by hand, and mended."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from services import until
from warehouse_rows import HOUR, Stand, day_text, days_before, stand, today_at

from clickhouse.client import connect
from etl.batch import Batch
from etl.errors import Fatal, Retryable
from etl.mending import ROUNDS_MAX, in_days, reading_only
from etl.ports import Mended
from etl.rows import COLUMNS

pytestmark = pytest.mark.stack

TARGETS = ("events_by_quarter_hour", "event_ids")


@pytest.fixture(scope="module", autouse=True)
def _tokens_stay(warehouse_dsn: Callable[[str], str]) -> Iterator[None]:
    """The engine clears a part away that lost its last row, a second or many later, and forgets its token.

    These tests delete rows and need the token: whichever comes first must not be left to chance.
    """
    with connect(warehouse_dsn("admin")) as admin:
        for table in ("events_raw", *TARGETS):
            admin.command(f"ALTER TABLE {table} MODIFY SETTING remove_empty_parts = 0")
        yield
        for table in ("events_raw", *TARGETS):
            admin.command(f"ALTER TABLE {table} RESET SETTING remove_empty_parts")


@pytest.fixture
def here(warehouse_dsn: Callable[[str], str]) -> Stand:
    return stand(warehouse_dsn)


def test_nothing_missing_changes_nothing(here: Stand) -> None:
    batch = here.batch(50, times=days_before(3))
    assert here.redo(batch) == Mended()
    assert here.redo(batch) == Mended()
    assert here.counts() == here.whole(50)


DAY = f"toDate(occurred_at) = '{day_text(today_at())}'"
BUCKET = f"toDate(bucket_at) = '{day_text(today_at())}'"
YESTERDAY = f"toDate(bucket_at) = '{day_text(today_at() - timedelta(days=1))}'"

TORN = {
    "raw there, aggregate not": {"events_by_quarter_hour": "1"},
    "raw there, aggregate lacks a day": {"events_by_quarter_hour": BUCKET},
    "raw there, ids not": {"event_ids": "1"},
    "raw there, some ids not": {"event_ids": "kafka_offset % 3 = 1"},
    "raw there, nothing else": dict.fromkeys(TARGETS, "1"),
    "aggregate there, raw not": {"events_raw": "1"},
    "aggregate there, raw lacks a day": {"events_raw": DAY},
    "aggregate there, raw lacks some rows": {"events_raw": "kafka_offset % 5 = 2"},
    "aggregate there, raw and ids not": {"events_raw": "1", "event_ids": "1"},
    "none there": dict.fromkeys(("events_raw", *TARGETS), "1"),
    "raw lacks one day, the aggregate another": {"events_raw": DAY, "events_by_quarter_hour": YESTERDAY},
    "a day nowhere": {"events_raw": DAY, "events_by_quarter_hour": BUCKET},
    "raw lacks rows of a day the aggregate lacks": {
        "events_raw": "kafka_offset % 5 = 2",
        "events_by_quarter_hour": BUCKET,
    },
}


@pytest.fixture(scope="module")
def ruins(warehouse_dsn: Callable[[str], str]) -> dict[str, tuple[Stand, Batch]]:
    """By name of what was lost: a topic with a whole range and a torn one after it. Torn all at once, by one
    mutation a table, because a mutation takes half a second."""
    made = {}
    where: dict[str, list[str]] = {}
    for name, lost in TORN.items():
        here = stand(warehouse_dsn)
        here.insert(here.batch(20, times=[at + 2 * HOUR for at in days_before(3)]))
        batch = here.batch(60, first=20, times=days_before(3))
        here.insert(batch)
        made[name] = (here, batch)
        for table, condition in lost.items():
            offset = "kafka_offset_max" if table == "events_by_quarter_hour" else "kafka_offset"
            where.setdefault(table, []).append(
                f"(kafka_topic_id = '{here.topic_id}' AND ({condition}) AND {offset} >= 20)"
            )
    for table, conditions in where.items():
        here.mutate(table, " OR ".join(conditions))
    return made


@pytest.mark.parametrize("name", TORN)
def test_a_torn_range_with_a_burned_token_is_made_whole(
    name: str, ruins: dict[str, tuple[Stand, Batch]]
) -> None:
    here, batch = ruins[name]
    assert here.counts() != here.whole(80)
    mended = here.redo(batch)
    assert (mended.raw > 0) == ("events_raw" in TORN[name])
    assert here.counts() == here.whole(80)
    assert here.sums() == (7, 80 * 1.5)
    assert here.redo(batch) == Mended(), "again there is nothing to do"
    assert here.counts() == here.whole(80)


def test_a_range_whose_token_was_used_for_other_rows_is_stored(here: Stand) -> None:
    other, batch = here.batch(10), here.batch(10)
    here.store.insert(other.block(), token=here.range_of(batch).token)
    for table in ("events_raw", *TARGETS):
        here.delete(table)
    assert here.redo(batch).raw == 10
    assert here.counts() == here.whole(10)
    assert here.ids_in_raw() == set(batch.ids)


def test_a_range_whose_rows_and_their_token_in_raw_are_gone_is_counted_too(here: Stand) -> None:
    """The redo's own insert stores the rows, and what counts them knows its tokens still."""
    day = today_at() - timedelta(days=25)
    other, batch = here.batch(10, times=[day]), here.batch(10, times=[day])
    here.store.insert(other.block(), token=here.range_of(batch).token)
    here.admin.command(f"ALTER TABLE events_raw DROP PARTITION '{day_text(day)}'")
    for table in TARGETS:
        here.delete(table)
    mended = here.redo(batch)
    assert (mended.raw, mended.targets) == (0, dict.fromkeys(TARGETS, 10))
    assert here.counts() == here.whole(10)
    assert here.ids_in_raw() == set(batch.ids)


def test_rows_that_come_with_an_upgrade_are_added_and_the_others_kept(here: Stand) -> None:
    batch = here.batch(10)
    here.insert(batch.only(range(6)))
    range_ = here.range_of(batch)
    mended = here.store.mend(range_, batch, token=range_.token)
    assert mended.raw == 4
    assert here.counts() == here.whole(10)


def test_mend_tokens_that_are_burned_too_are_passed_over(here: Stand) -> None:
    batch = here.batch(30)
    range_ = here.insert(batch)
    for round_ in range(2):
        here.delete("events_raw")
        here.store.mend(range_, batch, token=range_.token)
        # The token of round 0 is known now, so each further mend finds it burned.
        here.delete("events_by_quarter_hour")
        mended = here.store.mend(range_, batch, token=range_.token)
        assert mended.targets["events_by_quarter_hour"] >= 30, round_
    assert here.counts() == here.whole(30)


def test_a_redo_of_what_never_arrived_is_the_very_insert(here: Stand) -> None:
    batch = here.batch(12, times=days_before(2))
    range_ = here.range_of(batch)
    assert here.store.mend(range_, batch, token=range_.token) == Mended(raw=12)
    assert here.counts() == here.whole(12)
    here.insert(batch)
    assert here.counts() == here.whole(12), "the insert of a process that was paused comes too late"


def test_a_range_that_is_redone_after_later_ones_is_judged_by_its_counts(here: Stand) -> None:
    """After the group was moved back the highest offset says nothing."""
    batch = here.batch(10)
    here.insert(batch)
    here.insert(here.batch(10, first=10, times=[today_at() + 2 * HOUR]))
    here.delete("events_by_quarter_hour", "kafka_offset_max < 10")
    assert here.redo(batch) == Mended(targets={"events_by_quarter_hour": 10})
    assert here.counts() == here.whole(20)


def test_rows_that_never_stay_end_in_a_clear_line(here: Stand) -> None:
    batch = here.batch(5)
    range_ = here.insert(batch)
    for _ in range(ROUNDS_MAX - 1):
        here.delete("events_raw")
        here.store.mend(range_, batch, token=range_.token)
    here.delete("events_raw")
    with pytest.raises(Fatal, match="are not there afterwards, 5 times over"):
        here.store.mend(range_, batch, token=range_.token)


def test_two_partitions_of_one_topic_do_not_count_for_each_other(here: Stand) -> None:
    other = Stand(here.store, here.admin, here.topic_id, partition=1)
    theirs, ours = other.batch(40, times=days_before(2)), here.batch(40, times=days_before(2))
    other.insert(theirs)
    here.insert(ours)
    here.delete("events_by_quarter_hour", "kafka_partition = 0")
    assert here.redo(ours).targets == {"events_by_quarter_hour": 40}
    assert here.counts() == here.whole(80)


def test_a_topic_made_anew_is_another_topic(here: Stand, warehouse_dsn: Callable[[str], str]) -> None:
    anew = stand(warehouse_dsn)
    here.insert(here.batch(10))
    batch = anew.batch(10)
    assert anew.redo(batch) == Mended()
    assert here.counts() == anew.counts() == here.whole(10)


def test_days_that_raw_is_dropping_are_fed_and_raw_is_left_alone(here: Stand) -> None:
    """An event of 31 days ago is counted; whether its row is still there is the TTL's business."""
    batch = here.batch(20, times=[today_at() - timedelta(days=31)])
    here.insert(batch)
    here.delete("events_raw")
    here.delete("event_ids")
    here.delete("events_by_quarter_hour")
    assert here.redo(batch) != Mended()
    assert here.counts() == {"raw": 0, "distinct": 0, "counted": 20, "ids": 20}
    assert here.redo(batch) == Mended()
    here.delete("event_ids", "kafka_offset < 5")
    assert here.redo(batch).targets.keys() == {"event_ids"}
    assert here.counts() == {"raw": 0, "distinct": 0, "counted": 20, "ids": 20}


def test_counts_that_agree_with_nothing_are_named_and_nothing_is_doubled(here: Stand) -> None:
    here.insert(here.batch(10))
    here.delete("events_raw", "kafka_offset < 3")
    batch = here.batch(10, first=10)
    mended = here.redo(batch)
    assert mended == Mended(drift=(f"events_by_quarter_hour {day_text(today_at())}",))
    assert here.counts()["counted"] == 20
    here.delete("events_by_quarter_hour", "kafka_offset_max >= 10")
    here.admin.command("SYSTEM STOP MERGES events_by_quarter_hour")
    mended = here.redo(batch)
    assert mended.targets == {"events_by_quarter_hour": 10}, "the highest offset tells what is missing"
    here.admin.command("SYSTEM START MERGES events_by_quarter_hour")


def test_the_views_are_told_to_look_away_and_what_they_would_have_counted_is_not(here: Stand) -> None:
    """What mending rests on: a filter on events_raw holds for the views of an insert into it."""
    batch = here.batch(10)
    seeing = reading_only(in_days(()))
    here.store._warehouse.insert(
        "events_raw", batch.block(), columns=COLUMNS, token=f"{here.topic_id}:by hand", settings=seeing
    )
    assert here.counts() == {"raw": 10, "distinct": 10, "counted": 0, "ids": 0}


def test_the_views_see_the_days_they_are_shown(here: Stand) -> None:
    batch = here.batch(20, times=days_before(2))
    seeing = reading_only(in_days({today_at().date()}))
    token = f"{here.topic_id}:by hand"
    here.store._warehouse.insert("events_raw", batch.block(), columns=COLUMNS, token=token, settings=seeing)
    assert here.counts() == {"raw": 20, "distinct": 20, "counted": 10, "ids": 10}


def test_an_insert_that_is_still_running_is_neither_repeated_nor_mended(here: Stand) -> None:
    batch = here.batch(5)
    range_ = here.insert(batch)
    running = threading.Thread(
        target=here.admin.command,
        args=("SELECT sleepEachRow(1) FROM numbers(6) SETTINGS max_block_size = 1",),
        kwargs={"settings": {"query_id": f"ugc:{range_.token}"}},
    )
    running.start()
    seen = f"KILL QUERY WHERE query_id = 'ugc:{range_.token}' TEST"
    until(lambda: here.admin.query(seen).result_rows, within_s=5, what="the insert runs")
    with pytest.raises(Retryable, match="already running"):
        here.store.insert(batch.block(), token=range_.token)
    with pytest.raises(Retryable, match="already running"):
        here.store.mend(range_, batch, token=range_.token)
    running.join()
    assert here.redo(batch) == Mended()
    assert here.counts() == here.whole(5)
