"""Bad records in the whole pipeline, on the fakes: each costs itself, and the brake sees every record."""

from typing import Any

import pytest

from etl.brake import Brake
from etl.cutting import CutLimits
from etl.errors import Fatal

FOREIGN = [
    (b"\xff\x00 foreign", [("ugc-contract", b"1")]),
    (None, []),
    (b"{}", [("ugc-contract", b"0")]),
    (b"{}", [("ugc-contract", b"2")]),
    (b"{}", []),
    (b"x" * 10_000_000, [("ugc-contract", b"1")]),
]


def send(world: Any, record: Any, count: int, *, one_in: int) -> list[int]:
    """So many records, one of so many bad, each sort in turn; the numbers of the good ones."""
    good = []
    for number in range(count):
        if number % one_in == one_in // 2:
            value, headers = FOREIGN[number // one_in % len(FOREIGN)]
            world.log.append(value, partition=number % 2, key=b"k", headers=headers)
        else:
            world.log.send(record(number))
            good.append(number)
    return good


def braked(world: Any, **limits: Any) -> Any:
    process = world.process()
    process.loaders._load._brake = Brake(**{"ratio_max": 0.5, "run_max": 1_000, "window": 10_000} | limits)
    return process


@pytest.mark.parametrize(("count", "one_in"), [(20_000, 10_000), (600, 10)])
def test_one_bad_record_costs_itself(world: Any, record: Any, count: int, one_in: int) -> None:
    world.limits = CutLimits(500, 10_000_000, 500)
    good = send(world, record, count, one_in=one_in)
    world.drain(braked(world))
    assert world.rows_by_id().total() == len(good)
    assert len(world.letters.letters) == count // one_in
    assert world.each_once()


def test_when_all_are_bad_it_stops_and_nothing_is_committed_past_the_last_letter(
    world: Any, record: Any
) -> None:
    send(world, record, 2_000, one_in=1)
    with pytest.raises(Fatal, match="UGC_ETL_DEAD_"):
        world.drain(braked(world))
    written = len(world.letters.letters)
    assert written < 110
    assert sum(world.log.committed.values()) <= written
    world.log.members.clear()
    world.drain(braked(world, ratio_max=1.0, run_max=10_000))
    assert len(world.letters.letters) == 2_000


def test_good_ranges_end_a_run_of_bad_records(world: Any, record: Any) -> None:
    world.limits = CutLimits(5, 10_000_000, 500)
    for number in range(40):
        world.log.append(b"foreign")
        for good in range(20):
            world.log.append(
                record(number * 20 + good).value,
                key=record(number * 20 + good).key,
                headers=record(1).headers,
            )
        world.log.append(b"foreign")
        world.log.append(b"foreign")
    world.drain(braked(world, run_max=4))
    assert len(world.letters.letters) == 120


def test_good_ranges_count_in_the_ratio(world: Any, record: Any) -> None:
    world.limits = CutLimits(5, 10_000_000, 500)
    for number in range(150):
        for _ in range(5):
            world.log.append(b"foreign")
        for good in range(25):
            made = record(number * 25 + good)
            world.log.append(made.value, key=made.key, headers=made.headers)
    world.drain(braked(world))
    assert len(world.letters.letters) == 750
