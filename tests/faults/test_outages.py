"""What the pipeline needs is away, full, slow, or somebody else's for a while: a delay, and nothing more."""

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
from faults import happenings
from faults.campaign import with_guest
from faults.group import Group
from faults.stand import Child, Stand
from faults.stream import Stream
from faults.traffic import Traffic
from faults.truth import compare
from services import until

from embedded.warehouse.directory import KEEP_FREE_MB

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

# What the warehouse keeps free, and as much as a short test needs beside it.
SMALL_DISK_MB = KEEP_FREE_MB + 160
FILLED_BYTES_PER_S = 200_000_000
RAW, COUNTED = "events_raw", "events_by_quarter_hour"


def troubled(child: Child) -> bool:
    """Whether it has said that something does not work, and that it goes on trying."""
    return any(line["event"] == "step_failed" for line in child.said())


def taken(child: Child) -> int:
    """How many times it was given a partition."""
    return sum(len(line["positions"]) for line in child.said() if line["event"] == "partitions_assigned")


@pytest.mark.parametrize("name", ["warehouse", "broker"])
def test_killed_and_away_for_seconds(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None], name: str
) -> None:
    moving = etl(UGC_ETL_CANARY_INTERVAL_MS="200", UGC_ETL_STALLED_AFTER_MS="1000")
    pid = moving.pid
    stream = Stream(stand, random)
    stream.start()
    time.sleep(1)
    stand.children[name].end(signal.SIGKILL)
    time.sleep(4)
    assert not moving.service.ready()
    stand.children[name].start()
    time.sleep(1)
    all_once(stream.stop())
    assert moving.runs()
    assert moving.pid == pid
    until(moving.service.ready, within_s=10, what="it says that it works again")


@pytest.mark.parametrize("table", [RAW, COUNTED])
def test_too_many_parts(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None], table: str
) -> None:
    """When only the aggregate refuses, raw has the rows already: a torn insert without any crash."""
    moving = etl()
    stream = Stream(stand, random)
    stream.start()
    time.sleep(1)
    stand.order(f"SYSTEM STOP MERGES {table}")
    stand.order(f"ALTER TABLE {table} MODIFY SETTING parts_to_delay_insert = 1, parts_to_throw_insert = 1")
    try:
        until(lambda: troubled(moving), within_s=20, what="it says what it waits for")
        time.sleep(1)
    finally:
        stand.order(f"ALTER TABLE {table} RESET SETTING parts_to_delay_insert, parts_to_throw_insert")
        stand.order(f"SYSTEM START MERGES {table}")
    all_once(stream.stop())
    assert moving.runs()


def test_an_insert_slower_than_the_client_waits(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    moving = etl(UGC_ETL_WAREHOUSE_TIMEOUT_MS="1000")
    stand.order("CREATE TABLE slow (slept UInt8) ENGINE = Null")
    stand.order(
        "CREATE MATERIALIZED VIEW slow_mv TO slow AS SELECT sleepEachRow(0.02) AS slept FROM events_raw"
    )
    records = happenings.records(random, 100)
    try:
        group.send(records, partition=0)
        until(lambda: troubled(moving), within_s=20, what="an answer is late")
        time.sleep(2)
    finally:
        stand.order("DROP VIEW slow_mv")
        stand.order("DROP TABLE slow")
    all_once(set(happenings.ids(records)))
    assert moving.runs()


def test_a_warehouse_that_hangs_longer_than_the_client_waits(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    """Every try is still in its queue when it wakes up: the same insert several times at once."""
    moving = etl(UGC_ETL_WAREHOUSE_TIMEOUT_MS="1000")
    stream = Stream(stand, random)
    stream.start()
    for _ in range(2):
        time.sleep(1)
        stand.warehouse.freeze()
        time.sleep(3.5)
        stand.warehouse.thaw()
    time.sleep(1)
    all_once(stream.stop())
    assert moving.runs()
    assert troubled(moving)


def test_a_member_that_comes_and_goes(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    first, second = etl("first"), etl("second", UGC_ETL_INSTANCE_ID="second")
    moved_before = [taken(first), taken(second)]
    stream = Stream(stand, random)
    stream.start()

    def moved() -> int:
        return sum(taken(each) for each in (first, second)) - sum(moved_before)

    # Members hear of a guest with their next heartbeat; one that is gone by then takes nothing.
    for visits in range(20):
        if visits >= 5 and moved() >= 2:
            break
        with_guest(stand.settings.bootstrap(), 1.2)
        time.sleep(0.8)
    all_once(stream.stop())
    assert first.runs()
    assert second.runs()
    assert moved() >= 2, "partitions went to the guest and came back, or this proved nothing"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room; needs the right to mount one."""
    place = tmp_path / "small"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_MB}m", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_up(filler: Path) -> None:
    """Write until nothing more fits, as fast as a good disk can: a merge that is under way when the warehouse
    takes nothing more still has time to end."""
    began, written, piece = time.monotonic(), 0, b"x" * 65_536
    with filler.open("wb", buffering=0) as full, suppress(OSError):
        while written := written + full.write(piece):
            time.sleep(max(0.0, began + written / FILLED_BYTES_PER_S - time.monotonic()))


def test_a_full_disk(small_disk: Path, tmp_path: Path, random: Random) -> None:
    """Warehouse and broker lie on it. Whoever ends for it is started again, as by the supervisor."""
    stand = Stand(small_disk / "data", log_dir=tmp_path)
    try:
        stand.start()
        moving, collector = stand.etl(), stand.collector()
        moving.start()
        collector.start()
        stand.keep(*stand.children.values())
        traffic = Traffic(stand.settings.api_port, seed=random.randrange(1000), events_per_s=500).start()
        time.sleep(2)
        filler = small_disk / "filler"
        fill_up(filler)
        before = len(traffic.ledger.acknowledged)
        time.sleep(5)
        filler.unlink()
        until(
            lambda: len(traffic.ledger.acknowledged) > before + 1_500,
            within_s=60,
            what="events are taken again",
        )
        ledger = traffic.stop()
        group = Group(stand.settings.bootstrap())
        group.wait_drained()
        group.close()
        client = stand.admin()
        compared = compare(client, ledger)
        client.close()
        assert compared.mismatches == []
        assert troubled(moving), "the warehouse took everything: its disk was never full"
    finally:
        stand.stop()
