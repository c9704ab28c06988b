"""Every copy that says something else can be found in the log by its id, however many there are."""

from typing import Any

import pytest
from pipeline.world import World
from structlog.testing import capture_logs

from etl.cutting import CutLimits
from etl.loading import IDS_A_LINE


@pytest.mark.parametrize("count", [3, 11, 120])
def test_the_id_of_every_conflict_reaches_the_log(record: Any, count: int) -> None:
    world = World(limits=CutLimits(count, 10_000_000, 500))
    first = [record(n) for n in range(count)]
    for each in first:
        world.log.append(each.value, key=each.key, headers=each.headers)
    with capture_logs() as lines:
        process = world.process()
        world.drain(process)
        for n in range(count):
            copy = record(n, user_id="somebody else")
            world.log.append(copy.value, key=copy.key, headers=copy.headers)
        world.drain(process)
    told = [line["event_id"] for line in lines if line["event"] == "conflict"]
    more = [line["event_ids"] for line in lines if line["event"] == "more_conflicts"]
    assert sorted(told + [event_id for ids in more for event_id in ids]) == sorted(
        each.key.decode() for each in first
    )
    assert all(len(ids) <= IDS_A_LINE for ids in more)
    assert world.value("ugc_etl_conflicts_total") == count
