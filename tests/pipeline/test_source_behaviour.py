"""What the pipeline may expect of a log: one suite for the log in memory and for Kafka."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from pipeline.memory_log import MemoryLog, MemorySource
from pipeline.told import ToldClock

from contract.topics import EVENTS
from etl.errors import AssignmentGone, Fatal
from etl.intents import TEXT_BYTES_MAX, Intent
from etl.ports import Source
from etl.ranges import LogRecord, Offset, Position
from etl.settings import EtlSettings
from etl.source import open_source
from telemetry.clock import SystemClock

PARTITIONS = 2


class Log(Protocol):
    """A log under test, and what a test does to it beside reading."""

    sources: list[Source]

    def open(self) -> Source: ...
    def append(self, partition: int, value: bytes | None, **more: Any) -> None: ...
    def remove_before(self, partition: int, offset: int) -> None: ...
    def move_group_to(self, partition: int, offset: int) -> None: ...
    def add_partition(self) -> None: ...
    def recreate(self) -> None: ...


@dataclass
class InMemory:
    sources: list[Source] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = MemoryLog(partitions=PARTITIONS)

    def open(self) -> Source:
        self.sources.append(MemorySource(self.log, clock=ToldClock()))
        return self.sources[-1]

    def append(self, partition: int, value: bytes | None, **more: Any) -> None:
        self.log.append(value, partition=partition, **more)

    def remove_before(self, partition: int, offset: int) -> None:
        self.log.low[partition] = offset

    def move_group_to(self, partition: int, offset: int) -> None:
        self.log.committed[partition] = Position(offset)
        self.log.said.pop(partition, None)

    def add_partition(self) -> None:
        self.log.records[PARTITIONS] = []
        self.log.low[PARTITIONS] = 0

    def recreate(self) -> None:
        self.log.recreate("topic-b")


@dataclass
class OnKafka:
    bootstrap: str
    protocol: Literal["classic", "consumer"] = "classic"
    sources: list[Source] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.topic = replace(EVENTS, name=f"events-{uuid.uuid4().hex[:8]}", partitions=PARTITIONS)
        self.client: dict[str, Any] = {"bootstrap.servers": self.bootstrap}
        self.admin = AdminClient(self.client)
        self.admin.create_topics([NewTopic(self.topic.name, PARTITIONS, 1)])[self.topic.name].result(10)
        self.settings = EtlSettings(
            kafka_bootstrap=self.bootstrap,
            etl_group_id=self.topic.name,
            etl_session_timeout_ms=6_000,
            etl_group_protocol=self.protocol,
        )
        self.producer = Producer({**self.client, "linger.ms": 0})

    def open(self) -> Source:
        self.sources.append(open_source(self.settings, self.topic, clock=SystemClock()))
        return self.sources[-1]

    def append(self, partition: int, value: bytes | None, **more: Any) -> None:
        self.producer.produce(self.topic.name, value, partition=partition, **more)
        assert self.producer.flush(10) == 0

    def remove_before(self, partition: int, offset: int) -> None:
        place = TopicPartition(self.topic.name, partition, offset)
        self.admin.delete_records([place])[place].result(10)

    def move_group_to(self, partition: int, offset: int) -> None:
        consumer = Consumer({**self.client, "group.id": self.topic.name})
        place = TopicPartition(self.topic.name, partition, offset)
        # The members that just left may still be known to the group.
        for _ in range(50):
            try:
                consumer.commit(offsets=[place], asynchronous=False)
                break
            except KafkaException:
                time.sleep(0.1)
        consumer.close()

    def add_partition(self) -> None:
        self.admin.create_partitions([NewPartitions(self.topic.name, PARTITIONS + 1)])[
            self.topic.name
        ].result(10)

    def recreate(self) -> None:
        self.admin.delete_topics([self.topic.name])[self.topic.name].result(10)
        for _ in range(50):
            try:
                self.admin.create_topics([NewTopic(self.topic.name, PARTITIONS, 1)])[self.topic.name].result(
                    10
                )
                break
            except KafkaException:
                time.sleep(0.1)


KINDS = [
    "memory",
    pytest.param("classic", marks=pytest.mark.stack),
    pytest.param("consumer", marks=pytest.mark.stack),
]


@pytest.fixture(params=KINDS)
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    if request.param == "memory":
        made: Log = InMemory()
    else:
        made = OnKafka(request.getfixturevalue("kafka_bootstrap"), request.param)
    yield made
    for source in made.sources:
        source.close()


Read = Callable[..., dict[int, list[LogRecord]]]


def settle(*sources: Source, until: Callable[[], bool]) -> None:
    """Poll them in turn until the group has come to rest."""
    for _ in range(600):
        for source in sources:
            source.poll(0.02)
        if until():
            return
    raise AssertionError("the group did not come to rest")


def ours(source: Source) -> dict[int, Any]:
    """The source's assignments by partition."""
    return dict(source.assignments)


def test_a_new_group_reads_from_the_beginning_and_in_order(log: Log, by_partition: Read) -> None:
    for n in range(20):
        log.append(n % PARTITIONS, b"%d" % n)
    found = by_partition(log.open(), count=20)
    assert [r.value for r in found[0]] == [b"%d" % n for n in range(0, 20, 2)]
    assert [r.offset for r in found[1]] == list(range(10))


def test_a_record_comes_out_as_it_went_in(log: Log, by_partition: Read) -> None:
    log.append(0, b"\x00\xff", key=b"k\x00", headers=[("a", b"\xfe"), ("a", b""), ("b", None)])
    log.append(0, None, key=b"tombstone")
    log.append(0, b"")
    first, second, third = by_partition(log.open(), count=3)[0]
    assert (first.value, first.key) == (b"\x00\xff", b"k\x00")
    assert first.headers == (("a", b"\xfe"), ("a", b""), ("b", None))
    assert (second.value, second.key, second.headers) == (None, b"tombstone", ())
    assert (third.value, third.key) == (b"", None)
    assert abs(first.timestamp_ms - second.timestamp_ms) < 60_000


def test_what_was_committed_is_not_read_again_and_the_rest_is(log: Log, by_partition: Read) -> None:
    for n in range(10):
        log.append(0, b"%d" % n)
    first = log.open()
    by_partition(first, count=10)
    first.commit(ours(first)[0], Position(4), None)
    first.close()
    log.sources.remove(first)
    assert [r.offset for r in by_partition(log.open(), count=6)[0]] == [4, 5, 6, 7, 8, 9]


def test_nothing_is_committed_but_by_commit(log: Log, by_partition: Read) -> None:
    for n in range(5):
        log.append(0, b"%d" % n)
    first = log.open()
    by_partition(first, count=5)
    first.close()
    log.sources.remove(first)
    assert len(by_partition(log.open(), count=5)[0]) == 5


def test_it_has_joined_when_it_knows_its_partitions(log: Log) -> None:
    source = log.open()
    assert not source.joined
    settle(source, until=lambda: source.joined)
    if not (isinstance(log, OnKafka) and log.protocol == "consumer"):
        assert set(ours(source)) == {0, 1}
    # Of the newer protocol we know that the coordinator is there, a moment before it shares out.
    settle(source, until=lambda: set(ours(source)) == {0, 1})
    assert source.joined


def test_lag_is_what_lies_after_the_committed(log: Log, by_partition: Read) -> None:
    for n in range(8):
        log.append(0, b"%d" % n)
    source = log.open()
    by_partition(source, count=8)
    source.commit(ours(source)[0], Position(3), None)
    settle(source, until=lambda: source.lag() == {0: 5, 1: 0})
    source.commit(ours(source)[0], Position(8), None)
    settle(source, until=lambda: source.lag() == {0: 0, 1: 0})


def test_paused_brings_nothing(log: Log) -> None:
    source = log.open()
    settle(source, until=lambda: source.joined)
    source.pause()
    log.append(0, b"0")
    assert not any(source.poll(0.05) for _ in range(10))
    source.resume()
    settle(source, until=lambda: source.lag()[0] == 1)


def test_partitions_that_come_while_it_is_paused_are_paused_too(log: Log, by_partition: Read) -> None:
    log.append(0, b"0")
    source = log.open()
    source.pause()
    for _ in range(400):
        assert not source.poll(0.05)
        if source.joined:
            break
    assert source.joined
    assert not any(source.poll(0.05) for _ in range(20))
    source.resume()
    assert [r.offset for r in by_partition(source, count=1)[0]] == [0]


def test_a_partition_that_left_while_paused_is_read_when_it_comes_back(log: Log, by_partition: Read) -> None:
    source = log.open()
    settle(source, until=lambda: len(ours(source)) == PARTITIONS)
    source.pause()
    other = log.open()
    settle(source, other, until=lambda: len(ours(source)) == len(ours(other)) == 1)
    source.resume()
    log.sources.remove(other)
    other.close()
    settle(source, until=lambda: len(ours(source)) == PARTITIONS)
    for partition in range(PARTITIONS):
        log.append(partition, b"after")
    assert set(by_partition(source, count=PARTITIONS)) == set(range(PARTITIONS))


def test_pausing_in_the_middle_of_reading_loses_nothing(log: Log) -> None:
    for n in range(900):
        log.append(0, b"%d" % n)
    source = log.open()
    read: list[int] = []
    for turn in range(1_000):
        if turn % 4 == 1:
            source.pause()
        if turn % 4 == 3:
            source.resume()
        read += [m.offset() or 0 for messages in source.poll(0.02).values() for m in messages]
        if len(read) >= 900:
            break
    assert read == list(range(900))


def test_a_partition_that_moves_ends_its_assignment_and_goes_on_elsewhere(
    log: Log, by_partition: Read
) -> None:
    for n in range(10):
        log.append(n % PARTITIONS, b"%d" % n)
    first = log.open()
    by_partition(first, count=10)
    before = ours(first)
    for assignment in before.values():
        first.commit(assignment, Position(3), None)
    second = log.open()
    settle(first, second, until=lambda: len(ours(first)) == len(ours(second)) == 1)
    (kept,) = ours(first)
    (moved,) = ours(second)
    assert before[kept].current
    assert not before[moved].current
    with pytest.raises(AssignmentGone):
        first.commit(before[moved], Position(5), None)
    assert ours(second)[moved].committed == 3


def test_closing_ends_every_assignment(log: Log) -> None:
    source = log.open()
    settle(source, until=lambda: source.joined)
    held = ours(source)
    source.close()
    log.sources.remove(source)
    assert held
    assert not any(assignment.current for assignment in held.values())


def test_records_that_are_gone_before_the_first_read_of_a_new_group_are_no_error(
    log: Log, by_partition: Read
) -> None:
    for n in range(10):
        log.append(0, b"%d" % n)
    log.remove_before(0, 6)
    assert [r.offset for r in by_partition(log.open(), count=4)[0]] == [6, 7, 8, 9]


def test_records_that_are_gone_after_what_was_committed_stop_it(log: Log) -> None:
    for n in range(10):
        log.append(0, b"%d" % n)
    log.move_group_to(0, 2)
    log.remove_before(0, 6)
    source = log.open()
    with pytest.raises(Fatal, match=r"removed before they were read"):
        settle(source, until=lambda: False)


@pytest.mark.stack
def test_a_committed_offset_beyond_the_log_stops_it(kafka_bootstrap: str) -> None:
    log = OnKafka(kafka_bootstrap)
    log.append(0, b"0")
    log.move_group_to(0, 5)
    source = log.open()
    with pytest.raises(Fatal, match=r"at offset 5 of .*:0 but the log holds 0 to 1"):
        settle(source, until=lambda: False)
    source.close()


@pytest.mark.stack
def test_records_that_go_while_we_hold_their_partition_stop_it(kafka_bootstrap: str) -> None:
    log = OnKafka(kafka_bootstrap)
    source = log.open()
    settle(source, until=lambda: source.joined)
    source.pause()
    for n in range(10):
        log.append(0, b"%d" % n)
    log.remove_before(0, 6)
    source.resume()
    with pytest.raises(Fatal, match=r"removed before they were read"):
        settle(source, until=lambda: False)
    source.close()


INTENT = Intent(Offset(3), Offset(6), records=4, crc=123, decoder=1, cut_at_ms=1_700_000_000_000)


def intending(log: Log, by_partition: Read) -> Source:
    """A source of a log of 10 records, of which 3 are done and 4 are to be stored next."""
    for n in range(10):
        log.append(0, b"%d" % n)
    source = log.open()
    by_partition(source, count=10)
    source.commit(ours(source)[0], Position(3), INTENT)
    return source


def leave(log: Log, source: Source) -> None:
    source.close()
    log.sources.remove(source)


def test_an_intent_comes_back_with_its_partition(log: Log, by_partition: Read) -> None:
    leave(log, intending(log, by_partition))
    second = log.open()
    assert [r.offset for r in by_partition(second, count=7)[0]] == [3, 4, 5, 6, 7, 8, 9]
    assert ours(second)[0].redo == INTENT
    assert ours(second)[1].redo is None


def test_a_commit_without_an_intent_ends_it(log: Log, by_partition: Read) -> None:
    first = intending(log, by_partition)
    first.commit(ours(first)[0], Position(7), None)
    leave(log, first)
    second = log.open()
    assert [r.offset for r in by_partition(second, count=3)[0]] == [7, 8, 9]
    assert ours(second)[0].redo is None


def test_what_is_reread_begins_anew_at_the_intent(log: Log, by_partition: Read) -> None:
    source = intending(log, by_partition)
    before = ours(source)[0]
    log.append(0, b"10")
    source.reread(before)
    assert not before.current
    found = by_partition(source, count=8)[0]
    assert [r.offset for r in found] == [3, 4, 5, 6, 7, 8, 9, 10]
    assert ours(source)[0] is not before
    assert ours(source)[0].redo == INTENT
    with pytest.raises(AssignmentGone):
        source.reread(before)


def test_reread_again_and_again_while_others_are_read(log: Log, by_partition: Read) -> None:
    source = intending(log, by_partition)
    for n in range(4):
        log.append(1, b"%d" % n)
        source.reread(ours(source)[0])
        found = by_partition(source, count=8)
        assert [r.offset for r in found[0]] == [3, 4, 5, 6, 7, 8, 9]
        assert [r.offset for r in found[1]] == [n]


def test_a_topic_made_anew_is_read_from_its_beginning(log: Log, by_partition: Read) -> None:
    first = intending(log, by_partition)
    topic_id = ours(first)[0].topic_id
    leave(log, first)
    log.recreate()
    for n in range(8):
        log.append(0, b"new %d" % n)
    second = log.open()
    assert [r.offset for r in by_partition(second, count=8)[0]] == list(range(8))
    assert ours(second)[0].redo is None
    assert ours(second)[0].topic_id != topic_id


def test_a_group_moved_by_a_tool_is_read_from_there_and_has_nothing_to_redo(
    log: Log, by_partition: Read
) -> None:
    leave(log, intending(log, by_partition))
    log.move_group_to(0, 1)
    second = log.open()
    assert [r.offset for r in by_partition(second, count=9)[0]] == list(range(1, 10))
    assert ours(second)[0].redo is None


def test_a_group_moved_beyond_the_log_stops_it(log: Log, by_partition: Read) -> None:
    leave(log, intending(log, by_partition))
    log.move_group_to(0, 500)
    source = log.open()
    with pytest.raises(Fatal, match=r"at offset 500 of .*:0 but the log holds 0 to 10"):
        settle(source, until=lambda: False)


def test_retention_that_ate_an_intended_range_stops_it(log: Log, by_partition: Read) -> None:
    leave(log, intending(log, by_partition))
    log.remove_before(0, 5)
    source = log.open()
    with pytest.raises(Fatal, match=r"removed before they were read"):
        settle(source, until=lambda: False)


def test_partitions_that_were_added_stop_it(log: Log, by_partition: Read) -> None:
    leave(log, intending(log, by_partition))
    log.add_partition()
    source = log.open()
    with pytest.raises(Fatal, match=r"has 3 partitions and had 2.*UGC_ETL_PARTITIONS_ACCEPTED=3"):
        settle(source, until=lambda: False)


@pytest.mark.stack
def test_metadata_of_4095_bytes_comes_back_and_4096_are_refused(kafka_bootstrap: str) -> None:
    log = OnKafka(kafka_bootstrap)
    consumer = Consumer({**log.client, "group.id": log.topic.name})

    def commit(text: str) -> None:
        consumer.commit(offsets=[TopicPartition(log.topic.name, 0, 0, text)], asynchronous=False)

    commit("x" * TEXT_BYTES_MAX)
    found = consumer.committed([TopicPartition(log.topic.name, 0)], timeout=10)
    assert found[0].metadata == "x" * TEXT_BYTES_MAX
    with pytest.raises(KafkaException, match="OFFSET_METADATA_TOO_LARGE"):
        commit("x" * (TEXT_BYTES_MAX + 1))
    consumer.close()


@pytest.mark.stack
def test_a_topic_that_keeps_events_beyond_the_horizon_stops_it(kafka_bootstrap: str) -> None:
    log = OnKafka(kafka_bootstrap)
    name = f"{log.topic.name}-kept"
    kept = {"retention.ms": str(14 * 86_400_000), "segment.ms": str(86_400_000)}
    log.admin.create_topics([NewTopic(name, 1, 1, config=kept)])[name].result(10)
    source = open_source(log.settings, replace(log.topic, name=name), clock=SystemClock())
    with pytest.raises(
        Fatal, match=r"keeps its records up to 15.0 days.*14 days are the most.*RETENTION_DAYS"
    ):
        settle(source, until=lambda: False)
    source.close()
