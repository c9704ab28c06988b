"""Brokers as processes of their own, what is really in them, and how to take one away for a while."""

import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psutil
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from contract.topics import EVENTS, Topic
from contract.wire import Record
from telemetry.clock import SystemClock
from telemetry.health import NotReady
from telemetry.metrics import Metrics
from ugc_api.event_log import EventLog, Reason
from ugc_api.kafka_log import KafkaEventLog
from ugc_api.producer_link import ProducerLimits

LIMITS = ProducerLimits(
    ack_deadline_ms=2_000, linger_ms=1, queue_messages_max=10_000, queue_kilobytes_max=16_384
)


PROCESSES = {"mock_broker", "make_kafka_log", "start_api", "kafka_bootstrap", "warehouse"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What starts processes is not a fast test, whichever process it is."""
    for item in items:
        if PROCESSES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.stack)


@dataclass
class LogUnderTest:
    """An event log, what is really in it, and how to take it away for a while."""

    log: EventLog
    topic: Topic
    stored: Callable[[], list[Record]]
    outage: Callable[[], AbstractContextManager[None]]


@pytest.fixture(
    params=[
        "memory",
        pytest.param("mock_broker", marks=pytest.mark.stack),
        pytest.param("broker", marks=pytest.mark.stack),
    ]
)
def log_under_test(request: pytest.FixtureRequest) -> Iterator[LogUnderTest]:
    """The same suite for the log in memory, for Kafka's protocol and for Kafka itself."""
    if request.param == "memory":
        yield _memory(request.getfixturevalue("memory_log"))
        return
    topic = replace(EVENTS, name=f"events-{uuid.uuid4().hex[:8]}")
    if request.param == "mock_broker":
        bootstrap = request.getfixturevalue("mock_broker")
    else:
        bootstrap = request.getfixturevalue("kafka_bootstrap")
        create_topic(bootstrap, topic)
    log = kafka_log(bootstrap, topic)
    wait_until(lambda: is_ready(log), seconds=10)
    yield LogUnderTest(log, topic, lambda: stored(bootstrap, topic), lambda: paused(bootstrap))
    log.close()


def _memory(log: Any) -> LogUnderTest:
    @contextmanager
    def outage() -> Iterator[None]:
        log.unavailable = Reason.BROKER_AWAY
        yield
        log.unavailable = None

    return LogUnderTest(log, EVENTS, lambda: list(log.records), outage)


def kafka_log(bootstrap: str, topic: Topic, limits: ProducerLimits = LIMITS, **more: Any) -> KafkaEventLog:
    log = KafkaEventLog(
        bootstrap=bootstrap, topic=topic, limits=limits, clock=SystemClock(), metrics=Metrics(), **more
    )
    log.start()
    return log


@pytest.fixture
def make_kafka_log(mock_broker: str) -> Iterator[Callable[..., KafkaEventLog]]:
    """Logs on the mock broker, closed at the end."""
    made: list[KafkaEventLog] = []

    def make(**more: Any) -> KafkaEventLog:
        topic = replace(EVENTS, name=f"events-{uuid.uuid4().hex[:8]}")
        made.append(kafka_log(more.pop("bootstrap", mock_broker), topic, **more))
        return made[-1]

    yield make
    for log in made:
        log.close()


def is_ready(log: EventLog) -> bool:
    try:
        log.check()
    except NotReady:
        return False
    return True


def wait_until(condition: Callable[[], bool], *, seconds: float) -> float:
    """Seconds it took; fails when it did not happen."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"did not happen within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - started


def create_topic(bootstrap: str, topic: Topic) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for made in admin.create_topics([NewTopic(topic.name, topic.partitions, 1)]).values():
        made.result(10)


def stored(bootstrap: str, topic: Topic) -> list[Record]:
    """Everything in the topic, read from its beginning."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": uuid.uuid4().hex,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    partitions = consumer.list_topics(topic.name, timeout=10).topics[topic.name].partitions
    consumer.assign([TopicPartition(topic.name, number, 0) for number in partitions])
    records: list[Record] = []
    ended: set[int] = set()
    deadline = time.monotonic() + 20
    while len(ended) < len(partitions):
        assert time.monotonic() < deadline, "the topic cannot be read to its end"
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error() is not None:
            assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
            ended.add(message.partition())
            continue
        headers = [(name, bytes(value)) for name, value in message.headers() or []]
        records.append(Record(message.key(), message.value(), headers, message.timestamp()[1]))
    consumer.close()
    return records


MOCK_BROKER = """
import sys, time
from confluent_kafka import Producer
cluster = Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1})
metadata = cluster.list_topics(timeout=10)
print(",".join(f"{b.host}:{b.port}" for b in metadata.brokers.values()), flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def mock_broker() -> Iterator[str]:
    """librdkafka's own mock broker in a process of its own: real connections, no Java."""
    process = subprocess.Popen(
        [sys.executable, "-c", MOCK_BROKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.communicate()


@contextmanager
def paused(bootstrap: str) -> Iterator[None]:
    """The broker keeps its connections and answers nothing; only one that these tests started is touched."""
    process = listener_of(int(bootstrap.rpartition(":")[2]))
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED, seconds=10)
    try:
        yield
    finally:
        process.resume()


def listener_of(port: int) -> psutil.Process:
    for child in psutil.Process().children(recursive=True):
        listening = [each for each in child.net_connections() if each.status == psutil.CONN_LISTEN]
        if any(each.laddr.port == port for each in listening):
            return child
    pytest.fail(f"whatever listens on {port} was not started by these tests, so it is not paused")


# Helpers as fixtures: test modules cannot import from here.


@pytest.fixture
def wait_for() -> Callable[..., float]:
    return wait_until


@pytest.fixture
def pause() -> Callable[[str], AbstractContextManager[None]]:
    return paused


@pytest.fixture
def ready() -> Callable[[EventLog], bool]:
    return is_ready


@pytest.fixture
def read_topic() -> Callable[[str, Topic], list[Record]]:
    return stored


@pytest.fixture
def events_topic(kafka_bootstrap: str) -> Topic:
    """The product's own topic on the real broker, made when nobody has yet."""
    known = AdminClient({"bootstrap.servers": kafka_bootstrap}).list_topics(timeout=10).topics
    if EVENTS.name not in known:
        create_topic(kafka_bootstrap, EVENTS)
    return EVENTS
