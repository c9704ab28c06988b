"""Records that cannot become rows, kept whole in a topic of their own.

A letter is the record as it was, bytes and headers, under a key made of its origin: the same record gives
the same key, so a letter that is written again (its range was read again) is known as the same, and of
two the earlier one, at the lower offset, says when it was first seen. `write` returns only when the broker
has acknowledged every letter; the record's own offset is committed after that and not before.
"""

from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contract.topics import PARTITIONER, Topic
from etl.assignment import Assignment
from etl.errors import Fatal, Retryable
from etl.kafka_errors import branch
from etl.ports import DeadLetter
from etl.settings import EtlSettings
from etl.source import connection
from telemetry.clock import Clock

ACK_TIMEOUT_MS = 10_000
FLUSH_TIMEOUT_S = ACK_TIMEOUT_MS / 1000 + 5
MESSAGE_CHARS_MAX = 500

PREFIX = "ugc-dead-"


def letter_key(assignment: Assignment, letter: DeadLetter) -> bytes:
    """The letter's id: where its record lies."""
    return f"{assignment.topic_id}:{assignment.partition}:{letter.record.offset}".encode()


def letter_headers(
    assignment: Assignment, letter: DeadLetter, *, first_seen_at: str
) -> list[tuple[str, str | bytes | None]]:
    """The record's own headers, then ours, which begin with `ugc-dead-`."""
    record = letter.record
    ours = {
        "reason": letter.reason,
        "message": letter.message[:MESSAGE_CHARS_MAX],
        "topic": assignment.topic,
        "topic-id": assignment.topic_id,
        "partition": assignment.partition,
        "offset": record.offset,
        "timestamp-ms": record.timestamp_ms,
        "first-seen-at": first_seen_at,
    }
    headers: list[tuple[str, str | bytes | None]] = [*record.headers]
    headers += [(PREFIX + name, str(value).encode()) for name, value in ours.items()]
    if record.key is not None:
        headers.append((PREFIX + "key", record.key))
    return headers


class KafkaDeadLetters:
    """The real dead-letter topic. Made where it is used: librdkafka does not survive a fork."""

    def __init__(
        self,
        settings: EtlSettings,
        topic: Topic,
        *,
        clock: Clock,
        make_producer: Callable[[dict[str, Any]], Producer] = Producer,
    ) -> None:
        self._topic = topic.name
        self._clock = clock
        self._producer = make_producer(configuration(settings, topic))

    def write(self, assignment: Assignment, letters: Sequence[DeadLetter]) -> None:
        """Return after every acknowledgement; see the port."""
        errors: list[KafkaError] = []

        def report(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                errors.append(error)

        first_seen_at = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for letter in letters:
            self._produce(assignment, letter, first_seen_at, report)
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if errors:
            raise branch(errors[0], f"cannot write to {self._topic}")
        if left:
            raise Retryable(f"cannot write to {self._topic}: {left} letters are not acknowledged")

    def close(self) -> None:
        """Drop what is not acknowledged: its range is not committed either."""
        self._producer.purge()
        self._producer.flush(0)

    def _produce(
        self,
        assignment: Assignment,
        letter: DeadLetter,
        first_seen_at: str,
        report: Callable[[KafkaError | None, Message], None],
    ) -> None:
        key = letter_key(assignment, letter)
        headers = letter_headers(assignment, letter, first_seen_at=first_seen_at)
        while True:
            try:
                self._producer.produce(
                    self._topic, key=key, value=letter.record.value, headers=headers, on_delivery=report
                )
            except BufferError:
                # The queue is full of earlier letters of this range: their acknowledgements make room.
                if self._producer.poll(FLUSH_TIMEOUT_S) == 0:
                    raise Retryable(f"cannot write to {self._topic}: nothing is acknowledged") from None
            except KafkaException as error:
                raise Fatal(
                    f"cannot write a dead letter of {letter.record.size_bytes} bytes: {error.args[0].str()}"
                ) from None
            else:
                return


def configuration(settings: EtlSettings, topic: Topic) -> dict[str, Any]:
    """librdkafka's settings for the letters."""
    return {
        **connection(settings),
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": PARTITIONER,
        "compression.type": "lz4",
        "linger.ms": 5,
        "message.timeout.ms": ACK_TIMEOUT_MS,
        "message.max.bytes": topic.message_bytes_max,
        "queue.buffering.max.messages": 20_000,
        "queue.buffering.max.kbytes": 65_536,
        "allow.auto.create.topics": False,
    }
