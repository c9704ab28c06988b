"""`ugc etl` as a process among others: sharing the work, standing still, waiting, stopping, giving up."""

import signal
import subprocess
import time
from collections.abc import Callable
from random import Random
from urllib.request import urlopen

import orjson
import pytest
from faults import happenings
from faults.group import Group
from faults.stand import SESSION_MS, Child, Stand, clean_environment
from faults.stream import Stream
from faults.tearing import announced
from faults.truth import differences
from services import ROOT, until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

STEP_S = 60


def says(child: Child, event: str) -> bool:
    """Whether it has logged it in one of its lives."""
    return any(line["event"] == event for line in child.said())


def partitions_of(child: Child) -> set[str]:
    """Those that it tells the lag of: its own."""
    url = f"http://127.0.0.1:{child.service.environment['UGC_ETL_METRICS_PORT']}/metrics"
    with urlopen(url, timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0] for line in lines if line.startswith("ugc_etl_lag_events{")}


def test_two_processes_scale_out_and_both_move_events(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    both = [etl(name, UGC_ETL_INSTANCE_ID=name, UGC_LOG_LEVEL="debug") for name in ("one", "two")]
    until(
        lambda: [len(partitions_of(each)) for each in both] == [2, 2],
        within_s=30,
        what="they share the partitions",
    )
    assert partitions_of(both[0]).isdisjoint(partitions_of(both[1]))
    stream = Stream(stand, random)
    stream.start()
    time.sleep(2)
    all_once(stream.stop())
    for each in both:
        assert says(each, "range_moved")
        assert each.end() == 0


def test_one_of_a_group_of_the_newer_protocol_stands_still(
    stand: Stand, etl: Callable[..., Child], random: Random
) -> None:
    """Sessions of KIP-848 are the broker's, 45 s by default: the one that wakes up merely comes late."""
    stored = "SELECT count(), uniqExact(event_id) FROM events_raw"
    ((before, _),) = stand.sql(stored)
    chosen = {"UGC_ETL_GROUP_PROTOCOL": "consumer", "UGC_ETL_GROUP_ID": "newer-protocol"}
    first, second = (etl(name, UGC_ETL_INSTANCE_ID="", **chosen) for name in ("first", "second"))
    stream = Stream(stand, random)
    stream.start()
    time.sleep(1.5)
    first.freeze()
    time.sleep(1)
    sent = stream.stop()
    time.sleep(SESSION_MS / 1000 + 2)
    first.thaw()
    once = [(before + len(sent), before + len(sent))]
    until(lambda: stand.sql(stored) == once, within_s=STEP_S, what="each is stored once")
    # What is stored twice would be so by a later range.
    time.sleep(1.5)
    assert stand.sql(stored) == once
    client = stand.admin()
    assert differences(client) == []
    client.close()
    for each in (first, second):
        assert each.runs()
        assert each.end() == 0


def test_one_that_was_alone_and_stopped_leaves_nothing_to_redo(
    stand: Stand, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    stream = Stream(stand, random, records_per_s=1_500)
    stream.start()
    for number in range(2):
        alone = etl(f"alone-{number}")
        time.sleep(0.7)
        asked = time.monotonic()
        assert alone.end(signal.SIGTERM) == 0
        assert time.monotonic() - asked < 10
        assert not says(alone, "range_dropped")
        assert not any(line["redo"] for line in alone.said() if line["event"] == "partitions_assigned")
    etl("last")
    all_once(stream.stop())


def test_sigterm_ends_it_in_time_while_the_warehouse_hangs(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    stopping = etl("stopping", UGC_ETL_STOP_WITHIN_MS="1500")
    records = happenings.records(random, 10)
    announced(stand, group, {0: records})
    try:
        asked = time.monotonic()
        assert stopping.end(signal.SIGTERM) == 0
        assert 1 < time.monotonic() - asked < 3
    finally:
        stand.warehouse.thaw()
    assert says(stopping, "stopped_inside_a_step")
    etl("next")
    all_once(set(happenings.ids(records)))


def test_it_waits_for_a_warehouse_that_is_not_there_yet(
    stand: Stand, group: Group, random: Random, all_once: Callable[..., None]
) -> None:
    records = happenings.records(random, 10)
    group.send(records)
    stand.warehouse.end(signal.SIGKILL)
    waiting = stand.etl("waiting")
    try:
        waiting.spawn()
        until(lambda: says(waiting, "step_failed"), within_s=20, what="it says what it waits for")
        assert waiting.runs()
        stand.warehouse.start()
        all_once(set(happenings.ids(records)))
    finally:
        stand.drop_etls()


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"UGC_WRITER_PASSWORD": "wrong"}, "the warehouse does not let us in"),
        ({"UGC_WAREHOUSE_DSN": "missing"}, "`ugc migrate`"),
    ],
)
def test_what_waiting_does_not_mend_ends_it_with_1_and_one_line(
    stand: Stand, environment: dict[str, str], reason: str
) -> None:
    if "UGC_WAREHOUSE_DSN" in environment:
        environment = {"UGC_WAREHOUSE_DSN": stand.settings.dsn("admin").replace("/ugc", "/default")}
    service = stand.etl("hopeless", **environment).service
    del stand.children["hopeless"]
    ended = subprocess.run(
        service.command,
        capture_output=True,
        env=clean_environment() | dict(service.environment),
        cwd=ROOT,
        timeout=STEP_S,
        check=False,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    told = orjson.loads(line)
    assert (told["event"], told["level"]) == ("etl_stopped", "error")
    assert reason in told["reason"]
