"""Read the dead-letter topic from its beginning to what is its end now: once, in order, in bounded memory.

Letters are written in transactions. One that was given up is never seen here, and one that is still open
hides what lies after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from etl.errors import Retryable
from etl.kafka_errors import branch
from etl.letters import StoredMessage

ASK_TIMEOUT_S: Final = 10.0
BATCH_MESSAGES_MAX: Final = 5_000
# Longer than a transaction can stay open after its process has died: 15 s, found by a look every 10 s.
SILENT_S_MAX: Final = 40
# The client waits so long for a batch to become full.
POLL_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Span:
    """One partition of the topic: its offsets from `low` on, below `high`."""

    partition: int
    low: int
    high: int


def spans(connection: Mapping[str, Any], topic: str) -> list[Span]:
    """What the topic holds now, transactions that are still open included.

    Raises Retryable when the broker does not answer or the topic is not there (yet), else Fatal.
    """
    admin = AdminClient(dict(connection))
    try:
        found = admin.list_topics(topic, timeout=ASK_TIMEOUT_S).topics[topic]
        if found.error is not None:
            raise branch(found.error, f"cannot read {topic}")
        places = [TopicPartition(topic, number) for number in sorted(found.partitions)]
        # The client leaves these two without types.
        earliest, latest = OffsetSpec.earliest(), OffsetSpec.latest()  # type: ignore[no-untyped-call]
        lows = admin.list_offsets(dict.fromkeys(places, earliest))
        highs = admin.list_offsets(
            dict.fromkeys(places, latest), isolation_level=IsolationLevel.READ_UNCOMMITTED
        )
        return [
            Span(
                each.partition,
                lows[each].result(ASK_TIMEOUT_S).offset,
                highs[each].result(ASK_TIMEOUT_S).offset,
            )
            for each in places
        ]
    except KafkaException as error:
        raise branch(error.args[0], f"cannot read {topic}") from None
    except TimeoutError:
        raise Retryable(f"cannot read {topic}: the broker does not answer") from None


def read(connection: Mapping[str, Any], topic: str, parts: Sequence[Span]) -> Iterator[list[StoredMessage]]:
    """Every record of `parts`, partition by partition, in batches; waits for transactions that are open.

    Raises Retryable when nothing comes for `SILENT_S_MAX`, and for what the broker may mend by itself.
    """
    consumer = Consumer(
        {
            **connection,
            # Required, and never joined: nothing is committed.
            "group.id": "ugc-dead-reader",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            # Retention may take the oldest away while they are read.
            "auto.offset.reset": "earliest",
            "queued.min.messages": BATCH_MESSAGES_MAX,
            "queued.max.messages.kbytes": 16_384,
            "fetch.queue.backoff.ms": 5,
        }
    )
    try:
        for part in parts:
            if part.low < part.high:
                yield from _read_one(consumer, topic, part)
    finally:
        with suppress(KafkaException):
            consumer.close()


def _read_one(consumer: Consumer, topic: str, part: Span) -> Iterator[list[StoredMessage]]:
    consumer.assign([TopicPartition(topic, part.partition, part.low)])
    silent_s, position = 0.0, part.low
    while position < part.high:
        came = consumer.consume(BATCH_MESSAGES_MAX, timeout=POLL_S)
        records = [message for message in came if not _is_notice(message, topic)]
        within = [message for message in records if (message.offset() or 0) < part.high]
        if within:
            # What a consumer returns has headers of bytes; the client's own type says less.
            yield cast(list[StoredMessage], within)
        # A notice of the end has an offset too: that of the next record, past the marks of transactions.
        position = max([position, *((m.offset() or 0) + (m.error() is None) for m in came[-2:])])
        silent_s = 0.0 if came else silent_s + POLL_S
        if silent_s >= SILENT_S_MAX:
            raise Retryable(f"cannot read {topic}: nothing came for {SILENT_S_MAX} s; is a transaction open?")


def _is_notice(message: Message, topic: str) -> bool:
    """Whether it is no record. Raises Fatal for one that says that reading cannot go on."""
    error = message.error()
    if error is None:
        return False
    if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's own name
        found = branch(error, f"cannot read {topic}")
        if not isinstance(found, Retryable):
            raise found
    return True
