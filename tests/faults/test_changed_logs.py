"""The log is not what it was: made anew, moved by a tool, eaten by retention, with other partitions; or what
reads it is not what it was. Nothing is lost without a word, nothing counts twice.
"""

import re
import signal
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from faults import happenings
from faults.group import Commit, Group
from faults.stand import Child, Stand
from faults.tearing import ONE_RANGE, announced_but_not_stored, stored_but_not_committed

from contract.wire import Record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

PARTITIONS = range(4)


def spread(random: Random, count: int) -> dict[int, list[Record]]:
    return {partition: happenings.records(random, count) for partition in PARTITIONS}


def ids(*spreads: dict[int, list[Record]]) -> set[str]:
    return {each for those in spreads for records in those.values() for each in happenings.ids(records)}


def ends_with_a_word(etl: Child, *words: str) -> None:
    """It ends by itself with 1 and one error line that says all of `words`."""
    etl.spawn()
    assert etl.exit_code() == 1
    (line,) = [each for each in etl.said() if each["level"] == "error"]
    assert line["event"] == "etl_stopped"
    for word in words:
        assert word in line["reason"]


@pytest.fixture
def moved(stand: Stand, group: Group, etl: Callable[..., Child], random: Random) -> dict[int, list[Record]]:
    """Records that are stored and committed; the ETL that did it has ended."""
    first = etl("first")
    records = spread(random, 50)
    group.send_by_partition(records)
    group.wait_drained()
    assert first.end() == 0
    return records


@pytest.fixture
def new_topic(group: Group) -> Iterator[None]:
    """For tests that leave a topic nobody else can use."""
    yield
    group.recreate_topic()


def test_a_topic_made_anew_starts_again_at_offset_0(
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
    moved: dict[int, list[Record]],
) -> None:
    """Old positions, ranges and tokens say nothing of it, whether they vanished with it or not."""
    old = group.commits()
    group.recreate_topic()
    new = spread(random, 50)
    group.send_by_partition(new)
    # As if the broker had kept them: the same offsets, of another topic.
    group.commit({p: Commit(50, re.sub(r"^(ugc1;[^;]*;[0-9]+).*", r"\1", old[p].metadata)) for p in (0, 1)})
    etl("again", **ONE_RANGE)
    all_once(ids(moved, new))


def test_a_topic_made_anew_under_a_running_etl(
    stand: Stand,
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
) -> None:
    running = etl("running")
    stand.keep(running)
    old = spread(random, 50)
    group.send_by_partition(old)
    group.wait_drained()
    group.recreate_topic()
    # More than there were: the old positions lie inside the new log.
    new = spread(random, 90)
    group.send_by_partition(new)
    all_once(ids(old, new), within_s=90)


def test_offsets_set_back(
    group: Group, etl: Callable[..., Child], all_once: Callable[..., None], moved: dict[int, list[Record]]
) -> None:
    """Fresh ranges, not redone ones: their ids are looked up, and are there."""
    words = ("", "", "moved by an operator", "{}")
    group.commit({each: Commit(low, words[each]) for each, (low, _) in group.bounds().items()})
    etl("again", UGC_BATCH_ROWS_MAX="7")
    all_once(ids(moved))


def test_offsets_set_into_the_future_stop_it(
    group: Group, stand: Stand, etl: Callable[..., Child], moved: dict[int, list[Record]]
) -> None:
    high = group.bounds()[0][1]
    group.commit({0: Commit(high + 1_000, "")})
    ends_with_a_word(stand.etl("again"), f"{high + 1_000}", "reset the group's offsets")
    group.commit({0: Commit(high, "")})


def test_retention_that_ate_part_of_an_announced_range_stops_it(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    torn = spread(random, 60)
    intents = announced_but_not_stored(stand, group, etl("first", **ONE_RANGE), torn)
    first, _ = intents[0].intended or (0, 0)
    group.cut_off({0: first + 20})
    ends_with_a_word(stand.etl("again"), "events:0", "removed before they were read")
    # When the loss is accepted, the rest lands.
    group.commit({0: Commit(group.bounds()[0][0], "")})
    etl("accepted")
    torn[0] = torn[0][20:]
    all_once(ids(torn))


def test_partitions_that_were_added_stop_it_until_they_are_accepted(
    *,
    stand: Stand,
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
    moved: dict[int, list[Record]],
    new_topic: None,
) -> None:
    group.add_partitions(5)
    ends_with_a_word(stand.etl("again"), "UGC_ETL_PARTITIONS_ACCEPTED", "5")
    # Copies of what is stored, now wherever their keys belong, and some surely in the new partition.
    copies = [record for records in moved.values() for record in records]
    group.send(copies)
    group.send(copies[:30], partition=4)
    more = happenings.records(random, 40)
    group.send(more)
    etl("accepting", UGC_ETL_PARTITIONS_ACCEPTED="5")
    all_once(ids(moved) | set(happenings.ids(more)))


@pytest.mark.parametrize("left", [stored_but_not_committed, announced_but_not_stored])
def test_what_was_announced_is_read_differently_now(
    *,
    stand: Stand,
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
    left: Callable[..., Any],
) -> None:
    """An upgrade came between: another decoder in two partitions, other ids in two, under the old token."""
    torn = spread(random, 60)
    intents = left(stand, group, etl("first", **ONE_RANGE), torn)
    crc, decoder = 5, 6
    changed = {}
    for partition, commit in intents.items():
        fields = commit.metadata.split(";")
        field = (crc, decoder)[partition % 2]
        fields[field] = str(int(fields[field]) + 1)
        changed[partition] = Commit(commit.offset, ";".join(fields))
    group.commit(changed)
    etl("upgraded", **ONE_RANGE)
    all_once(ids(torn))


def test_what_a_newer_release_announced_stops_an_older_one(
    stand: Stand, group: Group, moved: dict[int, list[Record]]
) -> None:
    kept = group.commits()[0]
    group.commit({0: Commit(kept.offset, "ugc2;" + kept.metadata.partition(";")[2])})
    ends_with_a_word(stand.etl("older"), "ugc2;", "release")
    group.commit({0: kept})


def test_killed_at_the_start_of_a_redo_again_and_again(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    torn = spread(random, 60)
    announced_but_not_stored(stand, group, etl("first", **ONE_RANGE), torn)
    for number in range(3):
        again = stand.etl(f"again-{number}", UGC_ETL_INSTANCE_ID="again", **ONE_RANGE)
        again.start()
        again.end(signal.SIGKILL)
    etl("last", UGC_ETL_INSTANCE_ID="again", **ONE_RANGE)
    all_once(ids(torn))
