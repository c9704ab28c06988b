"""The run, on fakes: what is stored, what is committed, and in which order."""

import time
from typing import Any

from pipeline.world import InlineLoaders, World, everything_once, of_partition, send

from etl.batch import Block
from etl.errors import Retryable
from etl.intents import parse
from etl.pipeline import STEPS

OUTAGE = Retryable("not now")


def test_events_become_rows_and_are_committed(world: World) -> None:
    send(world, range(40))
    world.drain(world.process())
    assert everything_once(world, range(40))
    assert sum(world.log.committed.values()) == 40
    assert world.value("ugc_etl_rows_inserted_total") == 40


def test_intended_then_stored_then_committed(world: World) -> None:
    send(world, of_partition(0, 2))
    process = world.process()
    for _ in range(20):
        process.pipeline.run_once()
    commit = ["before commit", "after commit"]
    insert = ["before insert", *["inside insert"] * 3, "after insert"]
    ledger = ["before ledger", "after ledger"]
    order = [point for point in world.faults.seen if point != "poll"]
    assert order == [*commit, "stored", *insert, *ledger, *commit]


def test_what_is_stored_next_is_written_down_first(world: World) -> None:
    send(world, of_partition(0, 12))
    process = world.process()
    insert, said = world.store.insert, []

    def look(block: Block, *, token: str) -> None:
        mark = parse(world.log.said[0])
        assert mark is not None
        assert mark.intent is not None
        said.append((token, f"topic-a:0:{mark.intent.first}-{mark.intent.last}", mark.intent.records))
        insert(block, token=token)

    world.store.insert = look
    world.drain(process)
    assert [(token, records) for token, _, records in said] == [
        ("topic-a:0:0-4", 5),
        ("topic-a:0:5-9", 5),
        ("topic-a:0:10-11", 2),
    ]
    assert all(token == intended for token, intended, _ in said)
    last = parse(world.log.said[0])
    assert last is not None
    assert (last.topic_id, last.partitions, last.intent) == ("topic-a", 2, None)


def test_the_next_intent_rides_on_the_commit_before(world: World) -> None:
    send(world, of_partition(0, 20))
    world.drain(world.process())
    assert len(world.store.tokens) == 4
    assert world.faults.seen.count("before commit") == 5


def test_an_idle_log_moves_nothing(world: World) -> None:
    process = world.process()
    for _ in range(5):
        process.pipeline.run_once()
    assert set(world.faults.seen) == {"poll"}


def test_sent_again_counts_once(world: World) -> None:
    send(world, range(10))
    process = world.process()
    world.drain(process)
    send(world, range(10))
    send(world, range(10), user_id="another")
    world.drain(process)
    assert everything_once(world, range(10))
    assert {row["user_id"] for row in world.store.rows} == {f"user-{n}" for n in range(10)}
    assert world.value("ugc_etl_duplicates_total") == 20


def test_a_range_of_copies_only_inserts_nothing_and_is_committed(world: World) -> None:
    send(world, [1])
    process = world.process()
    world.drain(process)
    tokens = list(world.store.tokens)
    send(world, [1])
    world.drain(process)
    assert world.store.tokens == tokens


def test_two_partitions_are_loaded_at_the_same_time_and_one_never_twice(threaded: World) -> None:
    send(threaded, range(60))
    process = threaded.process()
    insert = threaded.store.insert
    under_way: list[str] = []
    together = []

    def slow(block: Block, *, token: str) -> None:
        under_way.append(token.split(":")[1])
        together.append(sorted(under_way))
        time.sleep(0.02)
        insert(block, token=token)
        under_way.remove(token.split(":")[1])

    threaded.store.insert = slow
    threaded.drain(process)
    process.loaders.close()
    assert ["0", "1"] in together
    assert not [each for each in together if each in (["0", "0"], ["1", "1"])]
    assert everything_once(threaded, range(60))


def test_a_range_grows_until_a_loader_is_free_and_who_waited_longest_is_next(world: World) -> None:
    class OneAtATime(InlineLoaders):
        """Busy until told that the range is stored."""

        released = False

        @property
        def idle(self) -> int:
            return 0 if self.waiting else 1

        def finished(self, timeout_s: float) -> list[Any]:
            released, self.released = self.released, False
            return super().finished(timeout_s) if released else []

    process = world.process()
    begun: list[Any] = []
    loaders = OneAtATime(process.loaders._load)
    start = loaders.start
    loaders.start = lambda cut: (begun.append(cut.range), start(cut))
    process.pipeline._loaders = loaders

    def go_on() -> None:
        for _ in range(3):
            process.pipeline.run_once()
            world.clock.sleep(1)

    for number in range(6):
        # Of both partitions one each time; a range would be cut for its age each time, were a loader free.
        send(world, of_partition(number % 2, 6)[number // 2 : number // 2 + 1])
        go_on()
    assert [(each.first, each.last) for each in begun] == [(0, 0)]
    loaders.released = True
    go_on()
    loaders.released = True
    go_on()
    assert [each.partition for each in begun] == [0, 1, 0]
    assert [(each.first, each.last) for each in begun[1:]] == [(0, 2), (1, 2)]


def test_a_buffer_smaller_than_a_range_still_moves(world: World) -> None:
    world.buffer_bytes_max = 1
    send(world, range(40))
    world.drain(world.process())
    assert everything_once(world, range(40))


def test_every_step_is_timed_under_its_own_name(world: World) -> None:
    send(world, [1])
    world.log.append(b"foreign")
    world.faults.named["after insert"] = [OUTAGE]
    world.drain(world.process())
    timed = {step for step in STEPS if world.value("ugc_etl_step_seconds_count", step=step)}
    assert timed == set(STEPS)


def test_one_message_repeated_for_ever_is_one_row(world: World) -> None:
    send(world, [1] * 200)
    world.drain(world.process())
    assert everything_once(world, [1])
