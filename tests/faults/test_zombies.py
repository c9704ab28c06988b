"""Work that is still on its way when somebody else has taken over, and tokens that are long forgotten."""

import signal
import time
from collections.abc import Callable
from random import Random

import pytest
from faults import happenings
from faults.group import Commit, Group
from faults.stand import SESSION_MS, Child, Stand
from faults.tearing import ONE_RANGE, announced, stored_but_not_committed
from services import until

from contract.wire import Record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

PARTITIONS = range(4)


def spread(random: Random, count: int) -> dict[int, list[Record]]:
    return {partition: happenings.records(random, count) for partition in PARTITIONS}


def ids(spread_out: dict[int, list[Record]]) -> set[str]:
    return {each for records in spread_out.values() for each in happenings.ids(records)}


def test_paused_between_intent_and_insert_and_woken_after_its_successor_finished(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    zombie = etl("zombie", **ONE_RANGE)
    records = spread(random, 60)
    # Frozen, the warehouse answers nothing that is asked before an insert, so no insert has been sent.
    announced(stand, group, records)
    zombie.freeze()
    stand.warehouse.thaw()
    etl("successor", **ONE_RANGE)
    time.sleep(SESSION_MS / 1000)
    all_once(ids(records))
    zombie.thaw()
    time.sleep(3)
    all_once(ids(records))
    # And both go on together.
    more = spread(random, 20)
    group.send_by_partition(more)
    all_once(ids(records) | ids(more))


def test_an_insert_still_under_way_when_its_range_is_redone(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    first, second = etl("first", **ONE_RANGE), stand.etl("second", **ONE_RANGE)
    stand.order("CREATE TABLE slow (slept UInt8) ENGINE = Null")
    stand.order(
        "CREATE MATERIALIZED VIEW slow_mv TO slow AS SELECT sleepEachRow(0.025) AS slept FROM events_raw"
    )
    records = spread(random, 100)
    try:
        intents = announced(stand, group, records)
        stand.warehouse.thaw()
        inserting = "SELECT count() FROM system.processes WHERE query LIKE '%INSERT INTO%events_raw%'"
        until(lambda: stand.sql(inserting)[0][0] > 0, within_s=20, what="an insert is under way")
        first.end(signal.SIGKILL)
        group.commit(intents)
        second.start()
        time.sleep(2)
    finally:
        stand.order("DROP VIEW slow_mv")
        stand.order("DROP TABLE slow")
    all_once(ids(records))


def test_a_redo_after_the_window_of_tokens_was_exceeded(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    tables = [
        name
        for (name,) in stand.sql(
            "SELECT name FROM system.tables WHERE database = currentDatabase() "
            "AND create_table_query LIKE '%non_replicated_deduplication_window%'"
        )
    ]
    assert tables
    first = etl(**ONE_RANGE)
    torn = spread(random, 50)
    intents = stored_but_not_committed(stand, group, first, torn)
    group.commit({partition: Commit(high, "") for partition, (_, high) in group.bounds().items()})
    for table in tables:
        stand.order(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 1")
    try:
        later = etl("later")
        more = spread(random, 50)
        group.send_by_partition(more)
        group.wait_drained()
        assert later.end() == 0
        group.commit(intents)
        etl("again", **ONE_RANGE)
        all_once(ids(torn) | ids(more))
    finally:
        for table in tables:
            stand.order(f"ALTER TABLE {table} MODIFY SETTING non_replicated_deduplication_window = 10000")
