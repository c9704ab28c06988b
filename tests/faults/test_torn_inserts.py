"""A range that was stored in part, or wholly, and is redone: afterwards it is whole, and there once.

The commit that announced it is put back, and the tables are damaged as crashes damage them. The events of
the range have quarter hours of their own, on days that hold others.
"""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from faults import happenings
from faults.group import Group
from faults.stand import Child, Stand
from faults.tearing import ONE_RANGE, Damage, cut_tokens, forget_tokens, stored_but_not_committed

from contract.wire import Record

pytestmark = [pytest.mark.stack, pytest.mark.timeout(150)]

RAW, COUNTED, IDS = "events_raw", "events_by_quarter_hour", "event_ids"
NOON = happenings.now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=5)
DAY_ONE, DAY_TWO = f"{NOON:%Y-%m-%d}", f"{NOON + timedelta(days=1):%Y-%m-%d}"

WHOLE_RANGES = {
    0: Damage(()),
    1: Damage((RAW, COUNTED, IDS)),
    2: Damage((COUNTED, IDS)),
    3: Damage((RAW,)),
}
SINGLE_DAYS = {
    0: Damage((RAW,), DAY_ONE),
    1: Damage((COUNTED,), DAY_TWO),
    2: Damage((RAW, COUNTED), DAY_ONE),
    3: Damage((IDS,)),
}
TOKENS: dict[str, Callable[[Stand], None]] = {
    "known": lambda _: None,
    "forgotten": forget_tokens,
    "cut": cut_tokens,
}


# Quarter hours that a test of this file has taken.
_used: list[int] = []


def of_quarter(random: Random, count: int, quarter: int) -> list[Record]:
    """Records of one quarter hour on each of two days."""
    start = NOON + timedelta(minutes=15 * quarter)
    return [
        happenings.record(
            happenings.event(
                random,
                occurred_at=(start + timedelta(days=number % 2, seconds=random.randrange(800))).isoformat(),
            )
        )
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("damages", "tokens"),
    [
        pytest.param(WHOLE_RANGES, "known", id="whole_ranges-known"),
        pytest.param(WHOLE_RANGES, "forgotten", id="whole_ranges-forgotten"),
        pytest.param(SINGLE_DAYS, "known", id="single_days-known"),
        pytest.param(SINGLE_DAYS, "cut", id="single_days-cut"),
    ],
)
def test_a_torn_range_is_made_whole(
    *,
    stand: Stand,
    group: Group,
    etl: Callable[..., Child],
    random: Random,
    all_once: Callable[..., None],
    damages: dict[int, Damage],
    tokens: str,
) -> None:
    quarter = 2 * len(_used)
    _used.append(quarter)
    around = {partition: of_quarter(random, 40, quarter) for partition in damages}
    torn: dict[int, Any] = {partition: of_quarter(random, 60, quarter + 1) for partition in damages}
    first = etl(**ONE_RANGE)
    group.send_by_partition(around)
    group.wait_drained()
    intents = stored_but_not_committed(stand, group, first, torn)
    expected = {
        each for those in (around, torn) for records in those.values() for each in happenings.ids(records)
    }

    quarters = [
        f"{NOON + timedelta(days=day, minutes=15 * (quarter + 1)):%Y-%m-%d %H:%M:%S}" for day in (0, 1)
    ]
    for partition, damage in damages.items():
        for statement in damage.order(partition, intents[partition].intended, quarters):
            stand.order(statement)
    TOKENS[tokens](stand)

    again = etl("again", **ONE_RANGE)
    all_once(expected)
    if tokens != "known":
        return
    # The very same once more: mending is as repeatable as inserting.
    assert again.end() == 0
    group.commit(intents)
    etl("once_more", **ONE_RANGE)
    all_once(expected)
