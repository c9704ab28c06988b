"""Canaries: one into each partition when it is due, never in the way, and freshness is what they say."""

from collections import Counter
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from pipeline.told import NOW_MS, ToldClock
from pipeline.world import World

from etl import rows
from etl.assignment import Assignment
from etl.canary import Canaries
from etl.ranges import Position
from etl.watch import Watch
from telemetry.health import NotReady


class Producer:
    """Takes what is produced; or does not."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, Any]] = []
        self.refuses: BaseException | None = None
        self.answer: KafkaError | None = None
        self.waiting: list[Any] = []

    def produce(self, topic: str, *, value: bytes, partition: int, headers: Any, on_delivery: Any) -> None:
        if self.refuses:
            raise self.refuses
        assert (topic, value) == ("events", b"")
        self.sent.append((partition, dict(headers)))
        self.waiting.append(on_delivery)

    def poll(self, _: float) -> int:
        while self.waiting:
            self.waiting.pop()(self.answer, None)
        return 0

    def purge(self) -> None:
        self.sent.clear()

    def flush(self, _: float) -> int:
        return 0


def assignment(partition: int) -> Assignment:
    return Assignment(topic="events", topic_id="T", partition=partition, committed=Position(0))


@pytest.fixture
def producer() -> Producer:
    return Producer()


def canaries(producer: Any, clock: Any, interval_ms: int = 5_000) -> Canaries:
    return Canaries(producer, interval_ms=interval_ms, clock=clock)


def test_one_into_each_partition_when_it_is_due(producer: Producer) -> None:
    clock = ToldClock()
    sent = canaries(producer, clock)
    both = [assignment(0), assignment(1)]
    for _ in range(20):
        sent.send_due(both)
        clock.sleep(0.5)
    assert [partition for partition, _ in producer.sent] == [0, 1, 0, 1]
    said = [int(headers[rows.CANARY_HEADER]) for _, headers in producer.sent]
    assert said[2] - said[0] == 5_000
    sent.close()
    assert not producer.sent


def test_a_partition_that_is_new_is_asked_at_once(producer: Producer) -> None:
    clock = ToldClock()
    sent = canaries(producer, clock)
    sent.send_due([assignment(0)])
    clock.sleep(1)
    sent.send_due([assignment(0)])
    assert [partition for partition, _ in producer.sent] == [0, 0]


def test_an_interval_of_0_sends_none(producer: Producer) -> None:
    canaries(producer, ToldClock(), 0).send_due([assignment(0)])
    assert not producer.sent


@pytest.mark.parametrize("error", [BufferError(), KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION))])
def test_one_that_cannot_be_sent_is_no_fault(producer: Producer, error: BaseException) -> None:
    clock = ToldClock()
    sent = canaries(producer, clock)
    producer.refuses = error
    sent.send_due([assignment(0)])
    producer.refuses = None
    clock.sleep(5)
    sent.send_due([assignment(0)])
    assert len(producer.sent) == 0 or producer.sent[0][0] == 0


@pytest.mark.parametrize("interval_ms", [1_000, 5_000, 600_000])
def test_a_broker_that_answers_no_canary_is_noticed_and_so_is_its_return(
    producer: Producer, interval_ms: int
) -> None:
    clock = ToldClock()
    sent, ours = canaries(producer, clock, interval_ms), [assignment(0)]

    def goes_by(seconds: int) -> None:
        for _ in range(seconds):
            sent.send_due(ours)
            clock.sleep(1)

    goes_by(100)
    sent.check_answered(within_s=30)
    producer.answer = KafkaError(KafkaError._MSG_TIMED_OUT)
    goes_by(interval_ms // 1000 + 28)
    sent.check_answered(within_s=interval_ms / 1000 + 30)
    goes_by(32)
    with pytest.raises(NotReady, match="no broker has taken a canary for"):
        sent.check_answered(within_s=30)
    producer.answer = None
    goes_by(7)
    sent.check_answered(within_s=5)


def test_a_broker_that_refuses_canaries_is_there(producer: Producer) -> None:
    clock = ToldClock()
    sent = canaries(producer, clock)
    producer.answer = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    for _ in range(100):
        sent.send_due([assignment(0)])
        clock.sleep(1)
    sent.check_answered(within_s=10)


def test_where_no_canary_is_sent_none_is_missed(producer: Producer) -> None:
    clock = ToldClock()
    sent = canaries(producer, clock, 0)
    producer.answer = KafkaError(KafkaError._MSG_TIMED_OUT)
    sent.send_due([assignment(0)])
    clock.sleep(1_000)
    sent.check_answered(within_s=30)


def test_who_has_no_partition_any_more_misses_no_answer(producer: Producer) -> None:
    """An outage outlived the session, and others have the partitions since the broker came back."""
    clock = ToldClock()
    sent = canaries(producer, clock)
    producer.answer = KafkaError(KafkaError._MSG_TIMED_OUT)
    for _ in range(60):
        sent.send_due([assignment(0)])
        clock.sleep(1)
    with pytest.raises(NotReady, match="no broker has taken a canary for"):
        sent.check_answered(within_s=30)
    sent.send_due([])
    clock.sleep(3_600)
    sent.check_answered(within_s=30)


def test_freshness_is_the_age_of_the_oldest_newest_canary(world: Any, record: Any) -> None:
    process = world.process()

    def canary(partition: int) -> None:
        sent_at_ms = b"%d" % (world.clock.now().timestamp() * 1000)
        world.log.append(b"", partition=partition, headers=[(rows.CANARY_HEADER, sent_at_ms)])

    def freshness() -> float | None:
        return world.metrics.registry.get_sample_value("ugc_etl_freshness_seconds")

    canary(0)
    world.drain(process)
    process.pipeline.run_once()
    assert freshness() is None, "partition 1 has not said anything yet"
    world.clock.sleep(10)
    canary(1)
    world.drain(process)
    process.pipeline.run_once()
    told = freshness()
    assert told is not None
    assert 10 < told < 13
    canary(0)
    world.drain(process)
    process.pipeline.run_once()
    assert (freshness() or 0) < 5
    assert not world.letters.letters
    assert not world.store.rows
    moved = list(world.store.moved.values())
    assert sum(entry.canaries for entry in moved) == 3
    assert all(entry.canary_sent_at for entry in moved)


def told(watch: Watch, world: World, *, at_s: float, **looped: Any) -> float | None:
    """What freshness is said to be, that many seconds after the world began."""
    world.clock.seconds = at_s
    watch.looped(**looped)
    return world.metrics.registry.get_sample_value("ugc_etl_freshness_seconds")


def test_freshness_goes_on_ageing_in_the_outage_that_it_measures(world: World) -> None:
    watch = world.watch()
    for partition in (0, 1):
        watch.moved(
            partition, messages=1, rows=0, duplicates=0, conflicts=0, dead=Counter(), canary_sent_at_ms=NOW_MS
        )
    assert told(watch, world, at_s=10, joined=True, lag={0: 0, 1: 0}) == pytest.approx(10, abs=1)
    assert told(watch, world, at_s=3_600, joined=False, lag={}) == pytest.approx(3_600, abs=1)
    assert told(watch, world, at_s=3_700, joined=True, lag={0: 5}) == pytest.approx(3_700, abs=1)


def test_who_has_no_partition_says_nothing_of_freshness(world: World) -> None:
    watch = world.watch()
    watch.moved(0, messages=1, rows=0, duplicates=0, conflicts=0, dead=Counter(), canary_sent_at_ms=NOW_MS)
    assert told(watch, world, at_s=10, joined=True, lag={0: 0}) == pytest.approx(10, abs=1)
    assert told(watch, world, at_s=20, joined=True, lag={}) is None
    assert told(watch, world, at_s=30, joined=True, lag={0: 0}) is None, "until its canary has come again"
