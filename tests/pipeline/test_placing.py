"""Where reading begins, decided from what the log and the group say: every case that must not be guessed."""

from typing import Any

import pytest

from etl.errors import Fatal
from etl.intents import Intent, Mark
from etl.placing import Bounds, Committed, Topic, begin, check_horizon, check_partitions
from etl.ranges import Offset, Position

TOPIC = Topic("events", "now", 4)
DAY_MS = 86_400_000


def intent(first: int, last: int) -> Intent:
    return Intent(Offset(first), Offset(last), records=1, crc=1, decoder=1, cut_at_ms=1)


def placed(position: int | None, mark: Mark | None = None, *, low: int = 0, high: int = 100) -> Any:
    committed = Committed(None if position is None else Position(position), mark)
    return begin(TOPIC, "group", 2, committed, Bounds(Position(low), Position(high)))


def test_a_new_group_begins_at_the_oldest_record() -> None:
    ours = placed(None, low=7)
    assert (ours.committed, ours.redo, ours.topic_id, ours.partitions) == (7, None, "now", 4)


@pytest.mark.parametrize("position", [0, 55, 100])
def test_after_what_was_committed_it_goes_on(position: int) -> None:
    ours = placed(position, Mark("now", 4))
    assert (ours.committed, ours.redo) == (position, None)


def test_an_intended_range_is_redone() -> None:
    ours = placed(10, Mark("now", 4, intent(12, 19)))
    assert (ours.committed, ours.redo) == (10, intent(12, 19))


def test_what_was_intended_in_another_topic_of_that_name_is_nothing() -> None:
    ours = placed(5_000, Mark("before", 4, intent(5_000, 5_100)), low=3)
    assert (ours.committed, ours.redo, ours.topic_id) == (3, None, "now")


@pytest.mark.parametrize(
    ("position", "mark"),
    [
        (4, None),
        (101, None),
        (4, Mark("now", 4)),
        (4, Mark("now", 4, intent(8, 9))),
        (90, Mark("now", 4, intent(90, 100))),
    ],
    ids=["before", "beyond", "before, ours", "before, intended", "the log lost the end of the range"],
)
def test_what_the_log_does_not_hold_stops_it(position: int, mark: Mark | None) -> None:
    with pytest.raises(Fatal, match=r"group group is at offset \d+ of events:2.*the log holds 5 to 100"):
        placed(position, mark, low=5)


def test_an_intended_range_up_to_the_end_of_the_log_is_redone() -> None:
    assert placed(90, Mark("now", 4, intent(90, 99))).redo == intent(90, 99)


def committed(*marks: Mark | None) -> dict[int, Committed]:
    return {n: Committed(Position(0) if mark else None, mark) for n, mark in enumerate(marks)}


@pytest.mark.parametrize(
    "marks",
    [
        (),
        (None, None, None, None),
        (Mark("now", 4), None, Mark("now", 4), None),
        (Mark("before", 9), Mark("now", 4)),
    ],
)
def test_a_number_of_partitions_that_never_changed_is_fine(marks: Any) -> None:
    check_partitions(TOPIC, committed(*marks), accepted=0)


def test_partitions_that_were_added_or_taken_away_stop_it_and_are_accepted_by_name() -> None:
    for before in (2, 8):
        said = committed(None, Mark("now", before))
        with pytest.raises(Fatal, match=rf"has 4 partitions and had {before}.*PARTITIONS_ACCEPTED=4"):
            check_partitions(TOPIC, said, accepted=0)
        with pytest.raises(Fatal, match="PARTITIONS_ACCEPTED=4"):
            check_partitions(TOPIC, said, accepted=before)
        check_partitions(TOPIC, said, accepted=4)


def test_events_are_kept_in_the_log_for_less_time_than_their_ids_in_the_warehouse() -> None:
    check_horizon("events", 7 * DAY_MS, segment_ms=7 * DAY_MS)
    check_horizon("events", 13 * DAY_MS, segment_ms=DAY_MS)
    with pytest.raises(Fatal, match=r"keeps its records up to 14.5 days.*14 days are the most"):
        check_horizon("events", 14 * DAY_MS - DAY_MS // 2, segment_ms=DAY_MS)
    with pytest.raises(Fatal, match=r"keeps its records up to 15.0 days.*14 days are the most"):
        check_horizon("events", 8 * DAY_MS, segment_ms=7 * DAY_MS)
    with pytest.raises(Fatal, match="for ever"):
        check_horizon("events", -1, segment_ms=DAY_MS)
