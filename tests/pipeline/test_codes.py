"""What an answer of the warehouse does to a range, by its code: the real classification, the real store."""

from collections.abc import Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.exceptions import DatabaseError

from etl.batch import Block
from etl.errors import EtlError, Fatal, Refused, Retryable
from etl.load import ClickHouseStore
from etl.ports import Mended

WAITS = [159, 202, 209, 210, 216, 236, 241, 242, 243, 252, 319, 999]
DEAD = [6, 25, 26, 27, 33, 38, 41, 72, 117, 130, 131, 321, 376, 407, 469]
STOPS = [16, 47, 60, 81, 192, 497, 516, 9_999]


class Client:
    """A server that answers every insert with this code."""

    def __init__(self, code: int) -> None:
        self._code = code

    def raw_insert(self, *_: Any, **__: Any) -> None:
        raise DatabaseError(f"Code: {self._code}. DB::Exception: so it is (X)", code=self._code)


def answer(code: int) -> ClickHouseStore:
    return ClickHouseStore(Client(code))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("codes", "branch"), [(WAITS, Retryable), (DEAD, Refused), (STOPS, Fatal)], ids=["waits", "dead", "stops"]
)
def test_the_store_raises_the_branch_of_the_code(codes: Sequence[int], branch: type[EtlError]) -> None:
    for code in codes:
        with pytest.raises(branch) as raised:
            answer(code).insert(Block([b"{}"]), token="T")
        assert type(raised.value) is branch, code


@pytest.mark.parametrize("code", WAITS)
def test_what_passes_is_looked_after_until_all_is_there(world: Any, record: Any, code: int) -> None:
    insert, mend = world.store.insert, world.store.mend
    mended: list[Mended] = []

    def outage(block: Block, *, token: str) -> None:
        answer(code).insert(block, token=token)

    def mend_later(*args: Any, **named: Any) -> Mended:
        if len(mended) < 2:
            mended.append(Mended())
            answer(code).insert(Block([b"{}"]), token="T")
        mended.append(mend(*args, **named))
        return mended[-1]

    world.store.insert, world.store.mend = outage, mend_later
    world.log.send(record(1))
    world.drain(world.process())
    world.store.insert = insert
    assert world.each_once()
    assert len(world.store.rows) == 1
    assert len(mended) == 3
    assert mended[-1].raw == 1, "an answer was lost: a check by offsets has looked, and put it in"
    assert not world.letters.letters


@pytest.mark.parametrize("code", DEAD)
def test_what_is_the_data_s_fault_costs_that_record_alone(world: Any, record: Any, code: int) -> None:
    insert = world.store.insert

    def insert_or_refuse(block: Block, *, token: str) -> None:
        if b'"user_id":"user-3"' in bytes(block):
            answer(code).insert(block, token=token)
        insert(block, token=token)

    def probe(block: bytes) -> None:
        if b'"user_id":"user-3"' in block:
            answer(code).probe(block)

    world.store.insert, world.store.probe = insert_or_refuse, probe
    world.store.refuses = lambda row: row["user_id"] == "user-3"
    for number in range(10):
        world.log.send(record(number))
    world.drain(world.process())
    assert len(world.store.rows) == 9
    assert world.each_once()
    assert [letter.reason for _, letter in world.letters.letters] == ["refused_by_warehouse"]


@pytest.mark.parametrize("code", STOPS)
def test_what_somebody_must_look_at_stops_it_and_commits_nothing(world: Any, record: Any, code: int) -> None:
    world.store.insert = answer(code).insert
    world.log.send(record(1))
    with pytest.raises(Fatal):
        world.drain(world.process())
    assert not any(world.log.committed.values())
    assert not world.letters.letters
    assert not world.store.rows
