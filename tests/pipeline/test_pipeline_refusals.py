"""What cannot be stored: dead letters, and when the run stops instead."""

from typing import Any
from uuid import UUID

import pytest
from pipeline.world import World, everything_once, send

from etl.cutting import Cut
from etl.errors import Fatal
from etl.loading import Finished


def test_undecodable_records_become_dead_letters_and_their_batch_lands_without_them(world: World) -> None:
    world.log.append(b"foreign \xff bytes", key=b"k", headers=[("a", b"b")])
    world.log.append(None, key=b"tombstone")
    send(world, [2, 4])
    world.drain(world.process())
    assert everything_once(world, [2, 4])
    assert [letter.record.value for _, letter in world.letters.letters] == [b"foreign \xff bytes", None]
    assert world.value("ugc_etl_dead_letters_total", reason="tombstone") == 1


def test_dead_letters_are_stored_before_the_commit(world: World) -> None:
    world.log.append(b"foreign")
    world.drain(world.process())
    points = [point for point in world.faults.seen if point != "poll"]
    commit = ["before commit", "after commit"]
    assert points == [*commit, "before letters", "after letters", "before ledger", "after ledger", *commit]


def test_when_dead_letters_cannot_be_written_it_stops_and_skips_nothing(world: World) -> None:
    world.log.append(b"foreign")
    world.letters.write = lambda *_: (_ for _ in ()).throw(Fatal("no such topic"))
    with pytest.raises(Fatal, match="no such topic"):
        world.drain(world.process())
    assert not any(world.log.committed.values())


def test_an_error_nobody_thought_about_stops_it_uncommitted(world: World) -> None:
    send(world, [1])
    world.store.insert = lambda *_, **__: (_ for _ in ()).throw(Fatal("no such table"))
    with pytest.raises(Fatal, match="no such table"):
        world.drain(world.process())
    assert not any(world.log.committed.values())


def test_rows_that_the_warehouse_refuses_become_dead_letters_and_the_rest_lands(world: World) -> None:
    world.store.refuses = lambda row: row["user_id"] == "user-7"
    send(world, range(40))
    world.log.append(b"foreign")
    world.drain(world.process())
    refused = [n for n in range(40) if n % 10 == 7]
    assert everything_once(world, [n for n in range(40) if n not in refused])
    letters = {letter.reason: letter for _, letter in world.letters.letters}
    assert set(letters) == {"refused_by_warehouse", "not_json"} or "version_missing" in letters
    of_warehouse = [each for _, each in world.letters.letters if each.reason == "refused_by_warehouse"]
    assert sorted(int(UUID((each.record.key or b"").decode())) for each in of_warehouse) == refused
    assert all(each.record.headers and each.record.value for each in of_warehouse)
    assert world.value("ugc_etl_dead_letters_total", reason="refused_by_warehouse") == len(refused)


def test_a_range_of_which_every_row_is_refused_is_committed_without_an_insert(world: World) -> None:
    world.store.refuses = lambda _: True
    send(world, range(0, 10, 2))
    world.drain(world.process())
    assert not world.store.tokens
    assert len(world.letters.letters) == 5


def test_a_block_that_is_refused_though_none_of_its_rows_is_stops_it(world: World) -> None:
    world.store.refuses = lambda _: True
    world.store.probe = lambda _: None
    send(world, [2])
    with pytest.raises(Fatal, match=r"events_raw and events_raw_probe differ"):
        world.drain(world.process())


def test_a_value_of_two_lines_never_reaches_the_warehouse(world: World, record: Any) -> None:
    good, second = record(2), record(4).value
    world.log.append(good.value + b"\n" + second, key=good.key, headers=good.headers)
    world.log.send(record(6))
    world.drain(world.process())
    assert everything_once(world, [6])
    assert [letter.reason for _, letter in world.letters.letters] == ["not_json"]


def test_too_many_dead_letters_stop_it_before_they_are_written() -> None:
    world = World(dead_run_max=3)
    for _ in range(10):
        world.log.append(b"foreign")
    with pytest.raises(Fatal, match="UGC_ETL_DEAD_RUN_MAX"):
        world.drain(world.process())
    assert not world.letters.letters
    assert not any(world.log.committed.values())


def test_a_brake_that_nobody_heard_is_pulled_again_when_the_partition_comes_back() -> None:
    world = World(dead_run_max=3)
    for _ in range(10):
        world.log.append(b"foreign")
    process = world.process()
    load, tripped = process.loaders._load, []

    def lost_meanwhile(cut: Cut) -> Finished:
        finished: Finished = load(cut)
        if not tripped:
            tripped.append(finished.error)
            process.source.assignments.pop(cut.assignment.partition).end()
        return finished

    process.loaders._load = lost_meanwhile
    with pytest.raises(Fatal, match="UGC_ETL_DEAD_RUN_MAX"):
        world.drain(process)
    assert isinstance(tripped[0], Fatal)
    assert not world.letters.letters
    assert not any(world.log.committed.values())
