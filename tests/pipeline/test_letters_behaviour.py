"""What the pipeline may expect of a dead-letter box: one suite for the one in memory and for Kafka."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from contract.topics import DEAD
from etl.assignment import Assignment
from etl.dead_letters import KafkaDeadLetters, letter_headers, letter_key
from etl.errors import Fatal, Retryable
from etl.ports import DeadLetter, DeadLetters
from etl.ranges import LogRecord, Offset, Position
from etl.settings import EtlSettings

OURS = Assignment(topic="events", topic_id="T-1", partition=2, committed=Position(0))


def letter(offset: int, value: bytes | None = b"\xff", *, key: bytes | None = b"k") -> DeadLetter:
    return DeadLetter(
        LogRecord(Offset(offset), 1234, key, value, (("ugc-contract", b"9"),)), "bad_bytes", "why"
    )


@dataclass
class Box:
    letters: DeadLetters
    values: Callable[[], list[bytes | None]]


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.stack)])
def box(request: pytest.FixtureRequest, parts: Any) -> Iterator[Box]:
    if request.param == "memory":
        memory = parts.MemoryLetters()
        yield Box(memory, lambda: [each.record.value for _, each in memory.letters])
        return
    bootstrap = request.getfixturevalue("kafka_bootstrap")
    letters, topic = on_kafka(bootstrap, parts)
    yield Box(letters, lambda: [message.value() for message in stored(bootstrap, topic)])
    letters.close()


def on_kafka(bootstrap: str, parts: Any, **topic_config: str) -> tuple[KafkaDeadLetters, str]:
    topic = replace(DEAD, name=f"dead-{uuid.uuid4().hex[:8]}")
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic.name, 1, 1, config=topic_config)])[topic.name].result(10)
    settings = EtlSettings(kafka_bootstrap=bootstrap)
    return KafkaDeadLetters(settings, topic, clock=parts.ToldClock()), topic.name


def stored(bootstrap: str, topic: str) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic})
    place = TopicPartition(topic, 0, 0)
    _, high = consumer.get_watermark_offsets(place, timeout=10)
    consumer.assign([place])
    messages = consumer.consume(high, timeout=10) if high else []
    consumer.close()
    return messages


def test_letters_are_there_when_write_returns(box: Box) -> None:
    box.letters.write(OURS, [letter(1, b"one"), letter(2, None), letter(3, b"")])
    assert box.values() == [b"one", None, b""]


def test_thousands_at_once_all_arrive(box: Box) -> None:
    box.letters.write(OURS, [letter(n, b"%d" % n) for n in range(25_000)])
    assert box.values() == [b"%d" % n for n in range(25_000)]


def test_nothing_to_write_writes_nothing(box: Box) -> None:
    box.letters.write(OURS, [])
    assert box.values() == []


def test_a_letters_id_is_where_its_record_lies() -> None:
    assert letter_key(OURS, letter(7)) == b"T-1:2:7"


def test_a_letter_says_all_that_is_known() -> None:
    headers = letter_headers(OURS, letter(7), first_seen_at="2026-11-21T00:00:00.000Z")
    assert headers == [
        ("ugc-contract", b"9"),
        ("ugc-dead-reason", b"bad_bytes"),
        ("ugc-dead-message", b"why"),
        ("ugc-dead-topic", b"events"),
        ("ugc-dead-topic-id", b"T-1"),
        ("ugc-dead-partition", b"2"),
        ("ugc-dead-offset", b"7"),
        ("ugc-dead-timestamp-ms", b"1234"),
        ("ugc-dead-first-seen-at", b"2026-11-21T00:00:00.000Z"),
        ("ugc-dead-key", b"k"),
    ]


def test_a_record_without_key_gives_a_letter_without_that_header() -> None:
    headers = letter_headers(OURS, letter(7, key=None), first_seen_at="")
    assert "ugc-dead-key" not in dict(headers)


@pytest.mark.stack
def test_what_lies_in_kafka_is_the_letter(kafka_bootstrap: str, parts: Any) -> None:
    letters, topic = on_kafka(kafka_bootstrap, parts)
    letters.write(OURS, [letter(7, b"\x00raw\xff")])
    (message,) = stored(kafka_bootstrap, topic)
    assert (message.key(), message.value()) == (b"T-1:2:7", b"\x00raw\xff")
    assert dict(message.headers())["ugc-dead-first-seen-at"] == b"2026-11-21T12:00:00.250Z"
    letters.close()


@pytest.mark.stack
def test_a_letter_that_the_topic_does_not_take_is_fatal(kafka_bootstrap: str, parts: Any) -> None:
    letters, _ = on_kafka(kafka_bootstrap, parts, **{"max.message.bytes": "1000"})
    with pytest.raises(Fatal, match=r"cannot write to dead-"):
        letters.write(OURS, [letter(1, Random(7).randbytes(16_000))])
    letters.close()


@pytest.mark.stack
def test_a_letter_above_the_contracts_bound_is_fatal(kafka_bootstrap: str, parts: Any) -> None:
    letters, _ = on_kafka(kafka_bootstrap, parts)
    with pytest.raises(Fatal, match=r"cannot write a dead letter of \d+ bytes"):
        letters.write(OURS, [letter(1, b"x" * (DEAD.message_bytes_max + 1))])
    letters.close()


def test_a_broker_that_is_away_is_retryable(parts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.dead_letters.ACK_TIMEOUT_MS", 500)
    settings = EtlSettings(kafka_bootstrap="127.0.0.1:1")
    letters = KafkaDeadLetters(settings, DEAD, clock=parts.ToldClock())
    with pytest.raises(Retryable, match=r"cannot write to events.dead"):
        letters.write(OURS, [letter(1)])
    letters.close()
