"""What goes wrong inside a rebalance is told by the next poll, and whoever comes after goes on from there."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from services import until

import etl.source
from contract.topics import EVENTS, Topic
from etl.errors import EtlError, Fatal, Retryable
from etl.settings import EtlSettings
from etl.source import KafkaSource, open_source
from telemetry.clock import SystemClock

# librdkafka raises nothing out of these calls that a test could bring about at will.
NO_STATE = KafkaException(KafkaError(KafkaError._STATE))
Open = Callable[[], KafkaSource]
pytestmark = pytest.mark.stack


class TakesNothing(Consumer):
    def incremental_assign(self, *_: Any) -> None:
        raise NO_STATE


class GivesNothingBack(Consumer):
    def incremental_unassign(self, *_: Any) -> None:
        raise NO_STATE


@pytest.fixture
def topic(kafka_bootstrap: str) -> Topic:
    made = replace(EVENTS, name=f"events-{uuid.uuid4().hex[:8]}", partitions=2)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    admin.create_topics([NewTopic(made.name, 2, 1)])[made.name].result(10)
    producer = Producer({"bootstrap.servers": kafka_bootstrap})
    for partition in range(2):
        producer.produce(made.name, b"here", partition=partition)
    assert producer.flush(10) == 0
    return made


@pytest.fixture
def opened(kafka_bootstrap: str, topic: Topic) -> Iterator[Open]:
    """Members of one group. All are closed: one that is not may hang the process at its end."""
    sources: list[KafkaSource] = []
    settings = EtlSettings(
        kafka_bootstrap=kafka_bootstrap, etl_group_id=topic.name, etl_session_timeout_ms=6_000
    )

    def another() -> KafkaSource:
        sources.append(open_source(settings, topic, clock=SystemClock()))
        return sources[-1]

    yield another
    for source in sources:
        # A test that went well has closed what it broke.
        with suppress(RuntimeError):
            source.close()


def raised_by(source: KafkaSource, *, within_s: float = 20, meanwhile: KafkaSource | None = None) -> EtlError:
    """The error that one of its polls raises; another member polls in between."""
    ends_at = time.monotonic() + within_s
    while time.monotonic() < ends_at:
        if meanwhile is not None:
            meanwhile.poll(0.05)
        try:
            source.poll(0.05)
        except EtlError as error:
            return error
    raise AssertionError("no poll raised anything")


def close_soon(source: KafkaSource) -> None:
    started = time.monotonic()
    source.close()
    # librdkafka waits five seconds for a group to which it owes an answer.
    assert time.monotonic() - started < 8


def reads_all(source: KafkaSource) -> None:
    """It gets both partitions and what is in them."""
    read: set[int] = set()

    def looks() -> bool:
        read.update(assignment.partition for assignment in source.poll(0.1))
        return read == {0, 1}

    until(looks, within_s=20, what="both partitions are read")


@pytest.mark.parametrize(
    "error", [Retryable("the broker does not answer"), Fatal("the topic is another")], ids=["later", "never"]
)
def test_partitions_that_cannot_be_placed(
    opened: Open, error: EtlError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(etl.source, "place", fails)
        source = opened()
        assert raised_by(source) is error
        assert not source.assignments
        assert not source.joined
        # Not only once: whoever asks again must not take it for a log without records.
        assert raised_by(source, within_s=1) is error
    close_soon(source)
    reads_all(opened())


def test_partitions_that_librdkafka_does_not_take(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(etl.source, "Consumer", TakesNothing)
        source = opened()
    assert "cannot take over partitions" in str(raised_by(source))
    assert not source.assignments
    assert not source.joined
    close_soon(source)


def test_partitions_that_librdkafka_does_not_give_back(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(etl.source, "Consumer", GivesNothingBack)
        source = opened()
    until(lambda: source.poll(0.1) is not None and source.joined, within_s=20, what="it has joined")
    ours = list(source.assignments.values())
    after = opened()
    told = raised_by(source, meanwhile=after)
    assert "cannot give partitions back" in str(told)
    gone = [each for each in ours if each.partition not in source.assignments]
    assert gone
    # What was theirs is over: nothing that is still to be stored of it may be committed.
    assert not any(each.current for each in gone)
    close_soon(source)
    reads_all(after)
