"""Everything read again changes nothing; stopping is quick, and so is coming back."""

import signal
import time
from collections.abc import Callable
from random import Random

import pytest
from faults import happenings
from faults.group import Group
from faults.stand import Child, Stand, eventually
from faults.stream import Stream
from faults.truth import snapshot

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]


def test_a_replay_from_offset_0_changes_nothing_even_of_what_raw_has_dropped(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random
) -> None:
    records = happenings.records(random, 6_000, days_max=6)
    group.send(records)
    first = etl("first", UGC_BATCH_ROWS_MAX="500")
    group.wait_drained()
    assert first.end() == 0
    days = [
        day
        for (day,) in stand.sql(
            "SELECT DISTINCT toString(toDate(occurred_at)) AS d FROM events_raw ORDER BY d"
        )
    ]
    assert len(days) >= 5
    for day in days[:3]:
        stand.order(f"ALTER TABLE events_raw DROP PARTITION '{day}'")
    client = stand.admin()
    before = snapshot(client)
    # Once with everything forgotten but the tables, once as different ranges by two at a time.
    for round_, rows in enumerate(("50000", "333")):
        group.set_back()
        replaying = [
            etl(f"replaying-{round_}-{number}", UGC_BATCH_ROWS_MAX=rows) for number in range(1 + round_)
        ]
        group.wait_drained()
        for each in replaying:
            assert each.end() == 0
        assert snapshot(client) == before
    client.close()


def test_sigterm_under_load_ends_in_time_and_loses_nothing(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    stream = Stream(stand, random, records_per_s=1_500)
    stream.start()
    both = [etl(f"etl-{number}") for number in range(2)]
    time.sleep(1)
    for each in both:
        asked = time.monotonic()
        assert each.end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < 10
    etl("last")
    all_once(stream.stop())


def test_after_a_crash_the_next_commit_comes_within_30_s(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    """Nameless, so that it has to wait until the session of the one that died is over."""
    first = etl("first", UGC_ETL_SESSION_TIMEOUT_MS="10000")
    stream = Stream(stand, random)
    stream.start()
    time.sleep(2)
    first.end(signal.SIGKILL)
    crashed = time.monotonic()
    before = {partition: commit.offset for partition, commit in group.commits().items()}
    etl("second", UGC_ETL_SESSION_TIMEOUT_MS="10000")
    eventually(
        lambda: all(commit.offset > before[partition] for partition, commit in group.commits().items()),
        within_s=30,
        what="every partition moves on",
    )
    assert time.monotonic() - crashed < 30
    all_once(stream.stop())
