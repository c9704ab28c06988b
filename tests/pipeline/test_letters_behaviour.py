"""What the pipeline may expect of a dead-letter box: one suite for the one in memory and for Kafka."""

import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from pipeline.memory_store import MemoryLetters
from pipeline.told import ToldClock
from services import until

from contract.topics import DEAD
from etl import dead_topic
from etl.assignment import Assignment
from etl.batch import DeadLetter
from etl.dead_letters import KafkaDeadLetters
from etl.errors import AssignmentGone, Fatal, Retryable
from etl.letters import StoredLetter, read, settling
from etl.ports import DeadLetters
from etl.ranges import LogRecord, Offset, Position
from etl.settings import EtlSettings


def assigned(partition: int = 2, topic_id: str = "T-1") -> Assignment:
    """The partition, given to somebody: a restart, a rebalance and another process each have a new one."""
    return Assignment(topic="events", topic_id=topic_id, partition=partition, committed=Position(0))


def letter(offset: int, value: bytes | None = b"\xff", *, key: bytes | None = b"k") -> DeadLetter:
    record = LogRecord(Offset(offset), 1234, key, value, (("ugc-contract", b"9"),))
    return DeadLetter(record, "not_json", "why")


@dataclass
class Box:
    """The same box, as many times as processes hold it, and what lies in it by partition and offset."""

    open: Callable[[], DeadLetters]
    stored: Callable[[], list[tuple[int, int, bytes | None]]]


@dataclass
class OnKafka:
    """A topic of its own on the real broker."""

    bootstrap: str
    topic: str

    def open(self, **changes: Any) -> KafkaDeadLetters:
        settings = EtlSettings(kafka_bootstrap=self.bootstrap, etl_group_id=self.topic)
        topic = replace(DEAD, name=self.topic)
        return KafkaDeadLetters(settings, topic, clock=ToldClock(), **changes)

    def records(self) -> list[Any]:
        """All that is committed, or is being committed just now."""
        connection = {"bootstrap.servers": self.bootstrap}
        parts = dead_topic.spans(connection, self.topic)
        return [each for batch in dead_topic.read(connection, self.topic, parts) for each in batch]

    def letters(self) -> list[StoredLetter]:
        return [each for message in self.records() if (each := read(message)) is not None]

    def stored(self) -> list[tuple[int, int, bytes | None]]:
        return [(each.origin.partition, each.origin.offset, each.record.value) for each in self.letters()]


def is_known(bootstrap: str, topic: str) -> bool:
    """The controller has made it; a broker hears of that a moment later."""
    try:
        return bool(dead_topic.spans({"bootstrap.servers": bootstrap}, topic))
    except Retryable:
        return False


@pytest.fixture
def on_kafka(kafka_bootstrap: str) -> Callable[..., OnKafka]:
    def make(**config: str) -> OnKafka:
        name = f"dead-{uuid.uuid4().hex[:8]}"
        admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
        admin.create_topics([NewTopic(name, 1, 1, config=config)])[name].result(10)
        until(lambda: is_known(kafka_bootstrap, name), within_s=10, what="the topic is known")
        return OnKafka(kafka_bootstrap, name)

    return make


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.stack)])
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    if request.param == "memory":
        memory = MemoryLetters()
        yield Box(
            lambda: memory,
            lambda: [(p, each.record.offset, each.record.value) for p, each in memory.letters],
        )
        return
    kafka = request.getfixturevalue("on_kafka")()
    opened: list[KafkaDeadLetters] = []

    def open_() -> KafkaDeadLetters:
        opened.append(kafka.open())
        return opened[-1]

    yield Box(open_, kafka.stored)
    for each in opened:
        each.close()


def test_letters_are_there_when_write_returns(box: Box) -> None:
    assert box.open().write(assigned(), [letter(1, b"one"), letter(2, None), letter(3, b"")]) == 3
    assert box.stored() == [(2, 1, b"one"), (2, 2, None), (2, 3, b"")]


def test_thousands_at_once_all_arrive(box: Box) -> None:
    assert box.open().write(assigned(), [letter(n, b"%d" % n) for n in range(25_000)]) == 25_000
    assert box.stored() == [(2, n, b"%d" % n) for n in range(25_000)]


def test_nothing_to_write_writes_nothing(box: Box) -> None:
    assert box.open().write(assigned(), []) == 0
    assert box.stored() == []


def test_the_same_letters_again_are_not_written_again(box: Box) -> None:
    letters, ours = box.open(), assigned()
    letters.write(ours, [letter(1), letter(2)])
    assert letters.write(ours, [letter(1), letter(2)]) == 0
    assert letters.write(ours, [letter(2), letter(3)]) == 1
    assert [offset for _, offset, _ in box.stored()] == [1, 2, 3]


def test_a_crash_between_write_and_commit_makes_no_second_letter(box: Box) -> None:
    box.open().write(assigned(), [letter(1), letter(5)])
    assert box.open().write(assigned(), [letter(1), letter(5)]) == 0
    assert len(box.stored()) == 2


def test_a_replay_from_the_beginning_writes_what_is_missing(box: Box) -> None:
    box.open().write(assigned(), [letter(4), letter(7)])
    letters, ours = box.open(), assigned()
    assert letters.write(ours, [letter(n) for n in range(5)]) == 4
    assert letters.write(ours, [letter(n) for n in range(5, 9)]) == 3
    assert sorted(offset for _, offset, _ in box.stored()) == list(range(9))


def test_partitions_and_topics_are_told_apart(box: Box) -> None:
    letters = box.open()
    for ours in (assigned(1), assigned(11), assigned(1, "T-2")):
        assert letters.write(ours, [letter(1)]) == 1
    assert len(box.stored()) == 3


def test_an_earlier_range_under_the_same_assignment_is_looked_up_too(box: Box) -> None:
    box.open().write(assigned(), [letter(3)])
    letters, ours = box.open(), assigned()
    assert letters.write(ours, [letter(9)]) == 1
    assert letters.write(ours, [letter(3), letter(4)]) == 1
    assert len(box.stored()) == 3


def test_several_threads_write_letters_of_their_own_partitions(box: Box) -> None:
    letters = box.open()

    def write(partition: int) -> None:
        ours = assigned(partition)
        for n in range(5):
            letters.write(ours, [letter(n)])

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((p, offset) for p, offset, _ in box.stored()) == [
        (p, n) for p in range(4) for n in range(5)
    ]


@pytest.mark.stack
def test_what_lies_in_kafka_is_the_letter(on_kafka: Callable[..., OnKafka]) -> None:
    kafka = on_kafka()
    kafka.open().write(assigned(), [letter(7, b"\x00raw\xff")])
    (message,) = kafka.records()
    assert (message.key(), message.value()) == (b"T-1:2:7", b"\x00raw\xff")
    assert message.headers() == [
        ("ugc-contract", b"9"),
        ("ugc-dead-headers", b"1"),
        ("ugc-dead-reason", b"not_json"),
        ("ugc-dead-message", b"why"),
        ("ugc-dead-topic", b"events"),
        ("ugc-dead-timestamp-ms", b"1234"),
        ("ugc-dead-first-seen-at", b"2026-11-21T12:00:00.250Z"),
        ("ugc-dead-key", b"k"),
    ]


@pytest.mark.stack
@pytest.mark.parametrize("size", [1_048_000, 10_000_000])
def test_a_record_of_any_size_has_a_letter(size: int, on_kafka: Callable[..., OnKafka]) -> None:
    kafka = on_kafka(**{"max.message.bytes": str(DEAD.message_bytes_max)})
    # Bytes that no compression makes smaller.
    value = Random(7).randbytes(size)
    assert kafka.open().write(assigned(), [letter(1), letter(2, value), letter(3)]) == 3
    stored = kafka.letters()[1]
    assert (stored.value_bytes, stored.whole) == (size, size < 2_000_000)
    assert value.startswith(stored.record.value or b"nothing")


@pytest.mark.stack
def test_a_discarded_letter_is_not_written_again_by_a_replay(on_kafka: Callable[..., OnKafka]) -> None:
    kafka = on_kafka()
    kafka.open().write(assigned(), [letter(1), letter(2)])
    gone = settling(kafka.letters()[0].origin, "discarded")
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    producer.produce(kafka.topic, key=gone.key, value=gone.value, headers=gone.headers)
    producer.flush(10)
    assert kafka.open().write(assigned(), [letter(1), letter(2)]) == 0


class Losing:
    """A producer whose commits, the first time, are done and not answered; or not even begun."""

    def __init__(self, producer: Producer, *, done: bool) -> None:
        self._producer = producer
        self._done = done
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def commit_transaction(self, timeout: float) -> None:
        if self.lost:
            self._producer.commit_transaction(timeout)
            return
        self.lost = True
        if self._done:
            self._producer.commit_transaction(timeout)
        else:
            self._producer.flush(timeout)
        raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


@pytest.mark.stack
@pytest.mark.parametrize("done", [True, False])
def test_an_answer_that_is_lost_makes_no_second_letter(done: bool, on_kafka: Callable[..., OnKafka]) -> None:
    kafka = on_kafka()
    letters = kafka.open(make_producer=lambda told: Losing(Producer(told), done=done))
    ours = assigned()
    with pytest.raises(Retryable, match="cannot write to dead-"):
        letters.write(ours, [letter(1), letter(2)])
    letters._make_producer = Producer
    assert letters.write(ours, [letter(1), letter(2)]) == (0 if done else 2)
    assert [offset for _, offset, _ in kafka.stored()] == [1, 2]


@pytest.mark.stack
def test_what_a_predecessor_has_under_way_is_thrown_away(on_kafka: Callable[..., OnKafka]) -> None:
    kafka = on_kafka()
    paused = kafka.open(make_producer=lambda told: Losing(Producer(told), done=False))
    before = assigned()
    with pytest.raises(Retryable):
        # Sent, acknowledged, not committed: there it stands still, and its partition is given away.
        paused.write(before, [letter(1)])
    assert kafka.open().write(assigned(), [letter(1), letter(2)]) == 2
    assert [offset for _, offset, _ in kafka.stored()] == [1, 2]


@pytest.mark.stack
def test_a_process_that_wakes_up_after_its_successor_writes_no_second_letter(
    on_kafka: Callable[..., OnKafka],
) -> None:
    kafka = on_kafka()
    paused, before = kafka.open(), assigned()
    paused.write(before, [letter(1)])
    successor, after = kafka.open(), assigned()
    assert successor.write(after, [letter(2)]) == 1
    with pytest.raises(Retryable, match="begun anew"):
        paused.write(before, [letter(2)])
    # It does not know yet that the partition is gone, and takes the right to write back: nobody minds.
    assert paused.write(before, [letter(2)]) == 0
    with pytest.raises(Retryable, match="begun anew"):
        successor.write(after, [letter(3)])
    assert successor.write(after, [letter(3)]) == 1
    assert [offset for _, offset, _ in kafka.stored()] == [1, 2, 3]


@pytest.mark.stack
def test_looking_stops_when_the_partition_is_taken_away(on_kafka: Callable[..., OnKafka]) -> None:
    kafka = on_kafka()
    kafka.open().write(assigned(), [letter(1)])
    ours = assigned()
    ours.end()
    with pytest.raises(AssignmentGone):
        kafka.open().write(ours, [letter(1)])


@pytest.mark.stack
def test_more_letters_than_fit_into_memory_are_looked_up_when_they_come(
    on_kafka: Callable[..., OnKafka],
) -> None:
    kafka = on_kafka()
    kafka.open().write(assigned(), [letter(n) for n in range(0, 40, 2)])
    letters, ours = kafka.open(known_max=3), assigned()
    written = sum(
        letters.write(ours, [letter(n) for n in range(start, start + 10)]) for start in (0, 10, 20, 30)
    )
    assert written == 20
    assert sorted(offset for _, offset, _ in kafka.stored()) == list(range(40))


@pytest.mark.stack
def test_what_ended_is_let_go_of(on_kafka: Callable[..., OnKafka]) -> None:
    letters = on_kafka().open()
    for _ in range(3):
        ours = assigned()
        letters.write(ours, [letter(1)])
        ours.end()
    letters.write(assigned(), [letter(1)])
    assert len(letters._boxes) == 1


@pytest.mark.stack
def test_a_topic_that_takes_no_such_letter_is_fatal(on_kafka: Callable[..., OnKafka]) -> None:
    letters = on_kafka(**{"max.message.bytes": "1000"}).open()
    with pytest.raises(Fatal, match=r"cannot write to dead-.*max\.message\.bytes to 2097152 \(`ugc migrate`"):
        letters.write(assigned(), [letter(1, Random(7).randbytes(16_000))])


@pytest.mark.stack
def test_a_topic_that_is_missing_is_waited_for(kafka_bootstrap: str) -> None:
    letters = OnKafka(kafka_bootstrap, f"dead-{uuid.uuid4().hex[:8]}").open()
    with pytest.raises(Retryable, match=r"dead-.*topics are made by `ugc migrate`"):
        letters.write(assigned(), [letter(1)])


def test_a_broker_that_is_away_is_retryable() -> None:
    letters = OnKafka("127.0.0.1:1", "dead").open(ack_timeout_ms=500)
    with pytest.raises(Retryable, match="cannot write to dead"):
        letters.write(assigned(), [letter(1)])
    letters.close()
