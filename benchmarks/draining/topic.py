"""The topic both sides drain: filled once, before anything is measured, as the collector fills it."""

from collections.abc import Iterable

from confluent_kafka import KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AdminClient

from benchmarks.frame.errors import BenchFailed
from contract.topics import EVENTS, PARTITIONER
from contract.wire import Record
from ops import topics
from telemetry.clock import Clock

ANSWER_WITHIN_S = 10.0
GONE_WITHIN_S = 30.0
FLUSH_WITHIN_S = 120.0
RETENTION_DAYS = 7


def recreate(bootstrap: str, *, clock: Clock) -> str:
    """The contract's topics, the events' one empty; its id. Raises BenchFailed."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        if EVENTS.name in admin.list_topics(timeout=ANSWER_WITHIN_S).topics:
            admin.delete_topics([EVENTS.name])[EVENTS.name].result(ANSWER_WITHIN_S)
        deadline = clock.monotonic() + GONE_WITHIN_S
        while EVENTS.name in admin.list_topics(timeout=ANSWER_WITHIN_S).topics:
            if clock.monotonic() > deadline:
                raise BenchFailed(f"the deleted topic {EVENTS.name} is still there; see the broker's log")
            clock.sleep(0.1)
        topics.ensure(bootstrap, retention_days=RETENTION_DAYS)
        asked = admin.describe_topics(TopicCollection([EVENTS.name]), request_timeout=ANSWER_WITHIN_S)
        return str(asked[EVENTS.name].result(ANSWER_WITHIN_S).topic_id)
    except KafkaException as error:
        raise BenchFailed(f"the bench's broker refuses: {error.args[0].str()}; see its log") from None


def fill(bootstrap: str, records: Iterable[Record]) -> int:
    """Write them, acks=all, placed as the collector places them; how many. Raises BenchFailed."""
    failed: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "log_level": 0,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": 20,
            "batch.size": 1_000_000,
            "queue.buffering.max.messages": 500_000,
            "partitioner": PARTITIONER,
            "on_delivery": lambda error, _: failed.append(error.str()) if error else None,
        }
    )
    written = 0
    for record in records:
        while True:
            try:
                producer.produce(
                    EVENTS.name,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    timestamp=record.timestamp_ms,
                )
                break
            except BufferError:
                producer.poll(0.1)
        written += 1
        if written % 1_000 == 0:
            producer.poll(0)
    if producer.flush(FLUSH_WITHIN_S) or failed:
        raise BenchFailed(f"not all records were written: {failed[:1] or 'no acknowledgement in time'}")
    return written
