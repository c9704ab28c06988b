"""The run, on fakes: what is stored, what is committed, and in which order, whatever goes wrong."""

import time
from dataclasses import replace
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
import structlog

from etl.batch import Block
from etl.errors import Fatal, Retryable
from etl.intents import parse
from etl.pipeline import STEPS
from etl.retry import BackOff
from etl.watch import Watch
from telemetry.clock import SystemClock

OUTAGE = Retryable("not now")
WHEN = ("before", "after")
WHAT = ("insert", "letters", "ledger", "commit")


def send(world: Any, record: Any, numbers: Any, **changes: Any) -> None:
    for number in numbers:
        world.log.send(record(number, **changes))


def everything_once(world: Any, numbers: Any) -> bool:
    wanted = {str(UUID(int=number)): 1 for number in numbers}
    return bool(world.rows_by_id() == wanted and world.each_once())


def of_partition(record: Any, partition: int, count: int) -> list[int]:
    """The first `count` numbers whose records lie there."""
    return [n for n in range(10 * count) if sum(record(n).key) % 2 == partition][:count]


@pytest.fixture
def threaded(make_world: Any) -> Any:
    """A world with real time and real loader threads."""
    return make_world(clock=SystemClock(), back_off=BackOff(1, 20), threads=2)


def test_events_become_rows_and_are_committed(world: Any, record: Any) -> None:
    send(world, record, range(40))
    world.drain(world.process())
    assert everything_once(world, range(40))
    assert sum(world.log.committed.values()) == 40
    assert world.value("ugc_etl_rows_inserted_total") == 40


def test_intended_then_stored_then_committed(world: Any, record: Any) -> None:
    send(world, record, of_partition(record, 0, 2))
    process = world.process()
    for _ in range(20):
        process.pipeline.run_once()
    commit = ["before commit", "after commit"]
    insert = ["before insert", *["inside insert"] * 3, "after insert"]
    ledger = ["before ledger", "after ledger"]
    order = [point for point in world.faults.seen if point != "poll"]
    assert order == [*commit, "stored", *insert, *ledger, *commit]


def test_what_is_stored_next_is_written_down_first(world: Any, record: Any) -> None:
    send(world, record, of_partition(record, 0, 12))
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


def test_the_next_intent_rides_on_the_commit_before(world: Any, record: Any) -> None:
    send(world, record, of_partition(record, 0, 20))
    world.drain(world.process())
    assert len(world.store.tokens) == 4
    assert world.faults.seen.count("before commit") == 5


def test_an_idle_log_moves_nothing(world: Any) -> None:
    process = world.process()
    for _ in range(5):
        process.pipeline.run_once()
    assert set(world.faults.seen) == {"poll"}


def test_sent_again_counts_once(world: Any, record: Any) -> None:
    send(world, record, range(10))
    process = world.process()
    world.drain(process)
    send(world, record, range(10))
    send(world, record, range(10), user_id="another")
    world.drain(process)
    assert everything_once(world, range(10))
    assert {row["user_id"] for row in world.store.rows} == {f"user-{n}" for n in range(10)}
    assert world.value("ugc_etl_duplicates_total") == 20


def test_a_range_of_copies_only_inserts_nothing_and_is_committed(world: Any, record: Any) -> None:
    send(world, record, [1])
    process = world.process()
    world.drain(process)
    tokens = list(world.store.tokens)
    send(world, record, [1])
    world.drain(process)
    assert world.store.tokens == tokens


@pytest.mark.parametrize("point", ["stored", *(f"{when} {what}" for when in WHEN for what in WHAT)])
def test_an_outage_at_any_point_delays_and_loses_nothing(world: Any, record: Any, point: str) -> None:
    send(world, record, range(5))
    world.log.append(b"foreign")
    # An insert without an answer is not sent again: one for each of two partitions.
    world.faults.named[point] = [OUTAGE] * (2 if point.endswith("insert") else 3)
    world.drain(world.process())
    assert not world.faults.named[point]
    assert everything_once(world, range(5))
    assert len(world.letters.letters) == 1


@pytest.mark.parametrize("forgotten", [False, True], ids=["token known", "power was lost with the token"])
def test_after_a_lost_answer_the_offsets_decide_and_nothing_is_sent_twice(
    world: Any, record: Any, forgotten: bool
) -> None:
    send(world, record, [2, 4])
    process = world.process()
    tokens = []
    insert = world.store.insert

    def lose(block: Block, *, token: str) -> None:
        insert(block, token=token)
        tokens.append(token)
        if forgotten:
            world.store.tokens.clear()
            world.store.tokens_counted.clear()
        raise Retryable("the answer was lost")

    world.store.insert = lose
    world.drain(process)
    assert len(tokens) == 1
    assert everything_once(world, [2, 4])
    assert world.value("ugc_etl_retries_total", step="load") == 1
    assert "before mend" in world.faults.seen


def test_the_consumer_is_polled_all_through_an_outage_and_reads_on_after_it(
    threaded: Any, record: Any
) -> None:
    send(threaded, record, range(30))
    process = threaded.process()
    outage_ends = time.monotonic() + 1.0

    def away() -> None:
        if time.monotonic() < outage_ends:
            raise Retryable("away")

    polled_at = []
    poll = process.source.poll

    def watched(timeout_s: float) -> Any:
        polled_at.append(time.monotonic())
        return poll(timeout_s)

    threaded.store.outage, process.source.poll = away, watched
    threaded.drain(process)
    process.loaders.close()
    assert max(later - earlier for earlier, later in pairwise(polled_at)) < 0.5
    assert len([at for at in polled_at if at < outage_ends]) > 20
    assert everything_once(threaded, range(30))


def test_what_is_read_in_an_outage_stays_bounded_and_polling_goes_on(threaded: Any, record: Any) -> None:
    send(threaded, record, range(400))
    threaded.buffer_bytes_max = 20_000
    process = threaded.process()
    pause = process.source.pause
    paused, away = [], [True]

    def outage() -> None:
        if away:
            raise Retryable("away")

    def noted() -> None:
        paused.append(process.source._position.copy())
        pause()

    threaded.store.outage, process.source.pause = outage, noted
    ends = time.monotonic() + 60
    while len(paused) < 5 and time.monotonic() < ends:
        process.pipeline.run_once()
    assert len(paused) == 5, "it stopped polling"
    assert all(sum(position.values()) < 150 for position in paused)
    away.clear()
    threaded.drain(process)
    process.loaders.close()
    assert everything_once(threaded, range(400))


def test_two_partitions_are_loaded_at_the_same_time_and_one_never_twice(threaded: Any, record: Any) -> None:
    send(threaded, record, range(60))
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


def test_a_range_grows_until_a_loader_is_free_and_who_waited_longest_is_next(
    world: Any, record: Any, parts: Any
) -> None:
    class OneAtATime(parts.InlineLoaders):
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
        send(world, record, of_partition(record, number % 2, 6)[number // 2 : number // 2 + 1])
        go_on()
    assert [(each.first, each.last) for each in begun] == [(0, 0)]
    loaders.released = True
    go_on()
    loaders.released = True
    go_on()
    assert [each.partition for each in begun] == [0, 1, 0]
    assert [(each.first, each.last) for each in begun[1:]] == [(0, 2), (1, 2)]


def test_a_buffer_smaller_than_a_range_still_moves(world: Any, record: Any) -> None:
    world.buffer_bytes_max = 1
    send(world, record, range(40))
    world.drain(world.process())
    assert everything_once(world, range(40))


def test_an_outage_is_logged_ever_less_often(world: Any, record: Any) -> None:
    send(world, record, [1])
    process = world.process()
    failures = iter(range(101))

    def away() -> None:
        if next(failures, None) is not None:
            raise Retryable("away")

    world.store.outage = away
    with structlog.testing.capture_logs() as logs:
        world.drain(process)
    told = [(line["step"], line["attempt"]) for line in logs if line["event"] == "step_failed"]
    assert told == [("load", 1), *(("mend", attempt) for attempt in (1, 2, 4, 8, 16, 32, 64))]


def test_undecodable_records_become_dead_letters_and_their_batch_lands_without_them(
    world: Any, record: Any
) -> None:
    world.log.append(b"foreign \xff bytes", key=b"k", headers=[("a", b"b")])
    world.log.append(None, key=b"tombstone")
    send(world, record, [2, 4])
    world.drain(world.process())
    assert everything_once(world, [2, 4])
    assert [letter.record.value for _, letter in world.letters.letters] == [b"foreign \xff bytes", None]
    assert world.value("ugc_etl_dead_letters_total", reason="tombstone") == 1


def test_dead_letters_are_stored_before_the_commit(world: Any) -> None:
    world.log.append(b"foreign")
    world.drain(world.process())
    points = [point for point in world.faults.seen if point != "poll"]
    commit = ["before commit", "after commit"]
    assert points == [*commit, "before letters", "after letters", "before ledger", "after ledger", *commit]


def test_when_dead_letters_cannot_be_written_it_stops_and_skips_nothing(world: Any, parts: Any) -> None:
    world.log.append(b"foreign")
    world.letters.write = lambda *_: (_ for _ in ()).throw(Fatal("no such topic"))
    with pytest.raises(Fatal, match="no such topic"):
        world.drain(world.process())
    assert not any(world.log.committed.values())


def test_an_error_nobody_thought_about_stops_it_uncommitted(world: Any, record: Any) -> None:
    send(world, record, [1])
    world.store.insert = lambda *_, **__: (_ for _ in ()).throw(Fatal("no such table"))
    with pytest.raises(Fatal, match="no such table"):
        world.drain(world.process())
    assert not any(world.log.committed.values())


def test_rows_that_the_warehouse_refuses_become_dead_letters_and_the_rest_lands(
    world: Any, record: Any
) -> None:
    world.store.refuses = lambda row: row["user_id"] == "user-7"
    send(world, record, range(40))
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


def test_a_range_of_which_every_row_is_refused_is_committed_without_an_insert(
    world: Any, record: Any
) -> None:
    world.store.refuses = lambda _: True
    send(world, record, range(0, 10, 2))
    world.drain(world.process())
    assert not world.store.tokens
    assert len(world.letters.letters) == 5


def test_a_block_that_is_refused_though_none_of_its_rows_is_stops_it(world: Any, record: Any) -> None:
    world.store.refuses = lambda _: True
    world.store.probe = lambda _: None
    send(world, record, [2])
    with pytest.raises(Fatal, match=r"events_raw and events_raw_probe differ"):
        world.drain(world.process())


def test_a_value_of_two_lines_never_reaches_the_warehouse(world: Any, record: Any) -> None:
    good, second = record(2), record(4).value
    world.log.append(good.value + b"\n" + second, key=good.key, headers=good.headers)
    world.log.send(record(6))
    world.drain(world.process())
    assert everything_once(world, [6])
    assert [letter.reason for _, letter in world.letters.letters] == ["not_json"]


def test_a_partition_taken_away_in_an_outage_is_redone_by_the_next(threaded: Any, record: Any) -> None:
    of_partition_1 = [n for n in range(40) if sum(record(n).key) % 2]
    send(threaded, record, of_partition_1)
    first = threaded.process()
    calls: list[float] = []

    def away() -> None:
        calls.append(time.monotonic())
        raise Retryable("away")

    threaded.store.outage = away
    while len(calls) < 3:
        first.pipeline.run_once()
    second = threaded.process()  # another member joins: partition 1 becomes its own
    for _ in range(20):
        first.pipeline.run_once()
    assert set(first.source.assignments) == {0}
    assert not first.loaders._waiting.qsize()
    before = len(calls)
    time.sleep(0.1)
    assert len(calls) == before, "it went on after its partition was taken away"
    assert not threaded.log.committed[1]
    assert not threaded.rows_by_id()
    threaded.store.outage = lambda: None
    threaded.drain(second)
    first.loaders.close()
    second.loaders.close()
    assert everything_once(threaded, of_partition_1)


def test_asked_to_stop_it_drops_the_range_it_cannot_finish(world: Any, record: Any) -> None:
    send(world, record, [1])
    process = world.process()

    def away(*_: Any, **__: Any) -> None:
        world.stopping = True
        raise Retryable("away")

    world.store.insert = away
    process.pipeline.run()
    assert not any(world.log.committed.values())
    assert not world.store.rows


def test_asked_to_stop_it_finishes_and_commits_what_is_being_stored(threaded: Any, record: Any) -> None:
    send(threaded, record, of_partition(record, 0, 30))
    process = threaded.process()
    insert = threaded.store.insert

    def last(block: Block, *, token: str) -> None:
        threaded.stopping = True
        time.sleep(0.1)
        insert(block, token=token)

    threaded.store.insert = last
    process.pipeline.run()
    process.loaders.close()
    assert len(threaded.store.tokens) == 1
    assert threaded.log.committed[0] == len(threaded.store.rows) == 5
    mark = parse(threaded.log.said[0])
    assert mark is not None
    assert mark.intent is None


def test_asked_to_stop_it_leaves_a_step_that_does_not_end(threaded: Any, record: Any) -> None:
    send(threaded, record, [2])
    process = threaded.process()
    process.pipeline._finish_within_s = 0.3
    hung = []

    def hang(block: Block, *, token: str) -> None:
        threaded.stopping = True
        hung.append(1)
        time.sleep(2.5)

    threaded.store.insert = hang
    started = time.monotonic()
    process.pipeline.run()
    assert hung
    assert time.monotonic() - started < 2
    process.loaders.close()
    assert not threaded.log.committed[0]


@pytest.mark.parametrize("torn", [1, 2, 3])
@pytest.mark.parametrize("also", ["nothing", "its process"])
def test_an_insert_torn_by_the_warehouses_end_is_mended(
    world: Any, parts: Any, record: Any, torn: int, also: str
) -> None:
    """1: token known and no row; 2: rows and nothing counted; 3: rows, and the count's token known alone."""
    send(world, record, range(0, 10, 2))
    doomed = world.process()
    error: Any = parts.Crash() if also == "its process" else Retryable("killed")
    world.faults.named["inside insert"] = [error, *[None] * (torn - 1)]
    if also == "its process":
        with pytest.raises(parts.Crash):
            world.drain(doomed)
        assert not world.each_once() or not world.store.rows
        doomed.source.die()
        doomed = world.process()
    world.drain(doomed)
    assert everything_once(world, range(0, 10, 2))
    if torn != 2:
        assert world.value("ugc_etl_rows_mended_total") >= 5


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_crash_between_any_two_steps_leaves_each_event_once(
    world: Any, parts: Any, record: Any, step: str, nth: int
) -> None:
    class Crashing(Watch):
        """Ends the process right after the named step succeeded for the n-th time."""

        left = nth

        def _step_succeeded(self, name: str, seconds: float) -> None:
            super()._step_succeeded(name, seconds)
            if name == step:
                self.left -= 1
                if self.left == 0:
                    raise parts.Crash

    send(world, record, range(12))
    world.log.append(b"foreign", partition=0)
    world.log.append(b"foreign", partition=1)
    send(world, record, range(6))
    if step == "mend":
        world.faults.named["after insert"] = [OUTAGE, None, OUTAGE]
    doomed = world.process(Crashing(world.metrics, clock=world.clock, stalled_after_ms=30_000))
    with pytest.raises(parts.Crash):
        world.drain(doomed)
    doomed.source.die()
    world.drain(world.process())
    assert everything_once(world, range(12))
    assert {(p, letter.record.offset) for p, letter in world.letters.letters} == {(0, 6), (1, 6)}


def test_every_step_is_timed_under_its_own_name(world: Any, record: Any) -> None:
    send(world, record, [1])
    world.log.append(b"foreign")
    world.faults.named["after insert"] = [OUTAGE]
    world.drain(world.process())
    timed = {step for step in STEPS if world.value("ugc_etl_step_seconds_count", step=step)}
    assert timed == set(STEPS)


def test_one_message_repeated_for_ever_is_one_row(world: Any, record: Any) -> None:
    send(world, record, [1] * 200)
    world.drain(world.process())
    assert everything_once(world, [1])


def test_a_crash_in_a_replay_that_is_cut_elsewhere_doubles_nothing(
    world: Any, parts: Any, record: Any
) -> None:
    numbers = of_partition(record, 0, 12)
    send(world, record, numbers)
    first = world.process()
    world.drain(first)
    first.source.close()
    world.log.committed[0] = 0  # a tool moved the group back
    world.log.said.pop(0)
    world.limits = replace(world.limits, batch_rows_max=7)
    doomed = world.process()
    world.faults.named["stored"] = [parts.Crash()]
    with pytest.raises(parts.Crash):
        world.drain(doomed)
    doomed.source.die()
    world.drain(world.process())
    assert everything_once(world, numbers)


def test_a_warehouse_that_forgot_its_tokens_is_told_nothing_twice(
    world: Any, parts: Any, record: Any
) -> None:
    numbers = of_partition(record, 0, 4)
    send(world, record, numbers)
    doomed = world.process()
    world.faults.named["before ledger"] = [parts.Crash()]
    with pytest.raises(parts.Crash):
        world.drain(doomed)
    doomed.source.die()
    assert len(world.store.rows) == 4
    world.store.tokens.clear()
    world.store.tokens_counted.clear()
    world.drain(world.process())
    assert everything_once(world, numbers)


@pytest.mark.parametrize("landed", [0, 1, 2, 3])
def test_a_range_that_another_decoder_had_begun_is_finished_by_this_one(
    world: Any, parts: Any, record: Any, landed: int
) -> None:
    numbers = of_partition(record, 0, 4)
    send(world, record, numbers)
    doomed = world.process()
    world.faults.named["inside insert" if landed else "before insert"] = [
        parts.Crash(),
        *[None] * max(0, landed - 1),
    ]
    with pytest.raises(parts.Crash):
        world.drain(doomed)
    doomed.source.die()
    mark = parse(world.log.said[0])
    assert mark is not None
    assert mark.intent is not None
    other = replace(mark, intent=replace(mark.intent, decoder=mark.intent.decoder + 1, crc=0))
    world.log.said[0] = other.text()
    with structlog.testing.capture_logs() as logs:
        world.drain(world.process())
    assert everything_once(world, numbers)
    assert [line for line in logs if line["event"] == "range_reads_differently"]


def test_one_that_wakes_up_after_its_successor_finished_writes_nothing_twice(
    world: Any, parts: Any, record: Any
) -> None:
    numbers = of_partition(record, 0, 12)
    send(world, record, numbers)
    first = world.process()

    def stand_still() -> None:
        first.source.die()
        successor = world.process()
        world.drain(successor)
        successor.source.close()

    world.faults.named["before insert"] = [stand_still]
    world.drain(first)
    send(world, record, numbers)
    for _ in range(20):
        first.pipeline.run_once()
    assert everything_once(world, numbers)
    assert world.log.committed[0] == 24


def test_partitions_that_were_added_stop_it_until_they_are_accepted(world: Any, record: Any) -> None:
    send(world, record, range(10))
    first = world.process()
    world.drain(first)
    first.source.close()
    world.log.records[2], world.log.low[2] = [], 0
    second = world.process()
    with pytest.raises(Fatal, match="UGC_ETL_PARTITIONS_ACCEPTED=3"):
        second.pipeline.run_once()
    second.source.close()
    third = world.process(partitions_accepted=3)
    send(world, record, range(100, 130))
    world.drain(third)
    third.source.close()
    for partition in (0, 1, 2):
        assert parse(world.log.said[partition]).partitions == 3  # type: ignore[union-attr]
    world.process().pipeline.run_once()


def test_a_topic_made_anew_is_moved_whole_although_its_offsets_were_there_before(
    world: Any, record: Any
) -> None:
    send(world, record, range(10))
    first = world.process()
    world.drain(first)
    first.source.close()
    world.log.recreate("topic-b")
    send(world, record, range(5, 20))
    second = world.process()
    for _ in range(60):
        second.pipeline.run_once()
    assert everything_once(world, range(20))
    assert world.log.committed == {n: len(records) for n, records in world.log.records.items()}


def test_too_many_dead_letters_stop_it_before_they_are_written(make_world: Any) -> None:
    world = make_world(dead_run_max=3)
    for _ in range(10):
        world.log.append(b"foreign")
    with pytest.raises(Fatal, match="UGC_ETL_DEAD_RUN_MAX"):
        world.drain(world.process())
    assert not world.letters.letters
    assert not any(world.log.committed.values())
