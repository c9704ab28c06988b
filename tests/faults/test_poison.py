"""Records that are no events: each costs itself, becomes one dead letter, and too many stop the line."""

import signal
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from faults import happenings
from faults.group import Group
from faults.stand import Child, Stand

from contract.topics import DEAD, EVENTS

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

GOOD_HEADERS = [("ugc-contract", b"1")]
LARGE = {"message.max.bytes": 12_000_000, "batch.size": 12_000_000}


@pytest.fixture(autouse=True)
def _empty_topics(stand: Stand, group: Group) -> Iterator[None]:
    """Letters are counted by topic, so each test has topics of its own."""
    yield
    stand.drop_etls()
    group.recreate_topic(names=(EVENTS.name, DEAD.name))


def poison(random: Random, number: int) -> tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]:
    """Something that is no event; of every sort in turn."""
    good = happenings.records(random, 1)[0]
    sorts: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]] = [
        (good.key, random.randbytes(200), GOOD_HEADERS),
        (good.key, None, GOOD_HEADERS),
        (good.key, good.value, []),
        (good.key, good.value, [("ugc-contract", b"99")]),
        (good.key, good.value[:-1], GOOD_HEADERS),
        (good.key, b"", GOOD_HEADERS),
        (None, good.value, GOOD_HEADERS),
        (b"somebody else's key", good.value, GOOD_HEADERS),
        (good.key, b"[]", GOOD_HEADERS),
        (good.key, good.value.replace(b'"value":', b'"valeu":'), GOOD_HEADERS),
    ]
    return sorts[number % len(sorts)]


def mixed(random: Random, count: int, *, one_in: int) -> tuple[list[Any], set[str]]:
    """`count` records of which one in so many is poison, and the ids of the others."""
    records: list[Any] = happenings.records(random, count)
    for place in range(one_in // 2, count, one_in):
        records[place] = poison(random, place // one_in)
    good = {record.key.decode() for record in records if hasattr(record, "timestamp_ms")}
    return records, good


def origins(letters: list[Any]) -> list[bytes]:
    return [letter.key() for letter in letters]


@pytest.mark.parametrize(("count", "one_in"), [(20_000, 10_000), (3_000, 10)])
def test_bad_ones_among_good_ones(
    *,
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
    count: int,
    one_in: int,
) -> None:
    records, good = mixed(random, count, one_in=one_in)
    group.send(records)
    etl()
    all_once(good)
    letters = group.letters()
    assert len(letters) == len(set(origins(letters))) == count // one_in


def test_each_dead_letter_once_whoever_is_killed(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    records, good = mixed(random, 6_000, one_in=10)
    group.send(records[:3_000])
    for number in range(5):
        moving = stand.etl(f"etl-{number}", UGC_ETL_INSTANCE_ID="one", UGC_BATCH_ROWS_MAX="200")
        moving.start()
        time.sleep(random.uniform(0, 0.4))
        moving.end(signal.SIGKILL)
        group.send(records[3_000 + 600 * number : 3_600 + 600 * number])
    etl("last", UGC_ETL_INSTANCE_ID="one")
    all_once(good)
    letters = group.letters()
    assert len(letters) == len(set(origins(letters))) == 600


def test_a_replay_makes_no_second_letter(
    group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    records, good = mixed(random, 500, one_in=10)
    group.send(records)
    first = etl("first")
    group.wait_drained()
    assert first.end() == 0
    group.set_back()
    etl("again", UGC_BATCH_ROWS_MAX="13")
    all_once(good)
    letters = group.letters()
    assert len(letters) == len(set(origins(letters))) == 50


def test_nothing_but_bad_ones_stops_it(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    """It does not empty the log into the dead letters; and goes on when an operator says so."""
    records = [poison(random, number) for number in range(5_000)]
    group.send(records)
    braking = stand.etl("braking", UGC_BATCH_ROWS_MAX="100", UGC_ETL_DEAD_RUN_MAX="300")
    braking.spawn()
    assert braking.exit_code() == 1
    (line,) = [each for each in braking.said() if each["level"] == "error"]
    assert "UGC_ETL_DEAD_" in line["reason"]
    # At most what four partitions had in hand when the run grew too long.
    assert len(group.letters()) <= 300 + 4 * 100
    allowed = {"UGC_ETL_DEAD_RUN_MAX": "1000000", "UGC_ETL_DEAD_RATIO_MAX": "1"}
    etl("allowed", **allowed)
    all_once(set())
    letters = group.letters()
    assert len(letters) == len(set(origins(letters))) == 5_000


def test_starting_it_again_and_again_empties_no_bad_log(stand: Stand, group: Group, random: Random) -> None:
    """What a supervisor does. Small ranges: each start would write some before enough are seen."""
    group.send([poison(random, number) for number in range(1_000)], partition=0)
    written = []
    for number in range(3):
        braking = stand.etl(f"braking-{number}", UGC_BATCH_ROWS_MAX="10", UGC_ETL_INSTANCE_ID="one")
        braking.spawn()
        assert braking.exit_code() == 1
        (line,) = [each for each in braking.said() if each["level"] == "error"]
        assert "UGC_ETL_DEAD_" in line["reason"]
        written.append(len(group.letters()))
    assert written == [90, 90, 90]


@pytest.mark.parametrize("compressed", [True, False])
def test_messages_of_ten_megabytes(
    *,
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
    compressed: bool,
) -> None:
    """They pass compressed, or under a bound that was raised. Of such a letter keeps the beginning."""
    if not compressed:
        group.configure_topic(EVENTS.name, max_message_bytes=str(12_000_000))
    records = happenings.records(random, 60)
    bytes_of = (
        (lambda: random.randbytes(100) * 100_000) if compressed else (lambda: random.randbytes(10_000_000))
    )
    large = [(record.key, bytes_of(), GOOD_HEADERS) for record in records[:3]]
    config = LARGE | ({"compression.type": "lz4"} if compressed else {})
    group.send([*records[:20], large[0], *records[20:40], *large[1:], *records[40:]], **config)
    etl()
    all_once(set(happenings.ids(records)))
    letters = group.letters()
    assert len(letters) == 3
    for letter in letters:
        (value,) = [value for key, value, _ in large if value.startswith(letter.value())]
        assert len(letter.value()) >= 60_000
        assert dict(letter.headers())["ugc-dead-cut"] == str(len(value)).encode()


def test_a_letter_that_the_dead_topic_does_not_take_stops_it(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    group.configure_topic(DEAD.name, max_message_bytes="2000")
    records = happenings.records(random, 20)
    group.send([*records, (records[0].key, random.randbytes(5_000), GOOD_HEADERS)], partition=1)
    stopping = stand.etl("stopping")
    stopping.spawn()
    assert stopping.exit_code() == 1
    (line,) = [each for each in stopping.said() if each["level"] == "error"]
    assert DEAD.name in line["reason"]
    assert group.commits()[1].offset <= 0
    group.configure_topic(DEAD.name, max_message_bytes="2000000")
    etl("again")
    all_once(set(happenings.ids(records)))
    assert len(group.letters()) == 1


def test_copies_that_say_something_else_can_be_traced(
    stand: Stand, group: Group, etl: Callable[..., Child], random: Random, all_once: Callable[..., None]
) -> None:
    """From the log line of each to the record that lost, the one that won, and the count in the ledger."""
    documents = [happenings.event(random) for _ in range(15)]
    records = [happenings.record(each) for each in documents]
    group.send(records)
    moving = etl()
    group.wait_drained()
    others = [happenings.record({**each, "user_id": "somebody else"}) for each in documents]
    group.send([*records[:5], *others])
    all_once(set(happenings.ids(records)))
    lines = moving.said()
    told = [line["event_id"] for line in lines if line["event"] == "conflict"]
    told += [
        event_id for line in lines if line["event"] == "more_conflicts" for event_id in line["event_ids"]
    ]
    assert sorted(told) == sorted(happenings.ids(records))
    for line in (each for each in lines if each["event"] == "conflict"):
        assert line["differing"] == ["user_id"]
        assert line["copy"] != line["kept"]
    assert stand.sql("SELECT sum(conflicts) FROM ranges_moved FINAL") == [(15,)]
    assert not stand.sql("SELECT 1 FROM events_raw WHERE user_id = 'somebody else' LIMIT 1")
