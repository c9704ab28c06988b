"""The topic both sides drain: filled once, before anything is measured, as the collector fills it."""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection
from confluent_kafka.admin import AdminClient

from benchmarks.frame.errors import BenchFailed
from contract.topics import EVENTS, PARTITIONER
from contract.wire import Record
from ops.upkeep import topics
from telemetry.clock import Clock

ANSWER_WITHIN_S = 10.0
GONE_WITHIN_S = THERE_WITHIN_S = 30.0
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
        return _id(admin, clock=clock)
    except KafkaException as error:
        raise BenchFailed(f"the bench's broker refuses: {error.args[0].str()}; see its log") from None


def _id(admin: AdminClient, *, clock: Clock) -> str:
    """Of the topic just made: the broker answers for it before it can describe it."""
    deadline = clock.monotonic() + THERE_WITHIN_S
    while True:
        asked = admin.describe_topics(TopicCollection([EVENTS.name]), request_timeout=ANSWER_WITHIN_S)
        try:
            return str(asked[EVENTS.name].result(ANSWER_WITHIN_S).topic_id)
        except KafkaException as error:
            code = error.args[0].code()
            if code != KafkaError.UNKNOWN_TOPIC_OR_PART or clock.monotonic() > deadline:
                raise
        clock.sleep(0.1)


def fill(bootstrap: str, records: Iterable[Record]) -> int:
    """Write them, acks=all, placed as the collector places them; how many. Raises BenchFailed."""
    writer = Writer(bootstrap)
    for number, record in enumerate(records, 1):
        writer.write(record)
        if number % 1_000 == 0:
            writer.poll()
    return writer.flush()


class Writer:
    """Writes to the events' topic, acks=all, placed as the collector places them."""

    def __init__(self, bootstrap: str) -> None:
        self._failed: list[str] = []
        self._written = 0
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "log_level": 0,
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": 20,
                "batch.size": 1_000_000,
                "queue.buffering.max.messages": 500_000,
                "partitioner": PARTITIONER,
                "on_delivery": lambda error, _: self._failed.append(error.str()) if error else None,
            }
        )

    def write(self, record: Record) -> None:
        """Hand it to the client, waiting for room."""
        while True:
            try:
                self._producer.produce(
                    EVENTS.name,
                    key=record.key,
                    value=record.value,
                    headers=list(record.headers),
                    timestamp=record.timestamp_ms,
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self._written += 1

    def poll(self) -> None:
        """Hear of what was acknowledged."""
        self._producer.poll(0)

    def flush(self) -> int:
        """Return when all are acknowledged: how many. Raises BenchFailed."""
        if self._producer.flush(FLUSH_WITHIN_S) or self._failed:
            raise BenchFailed(
                f"not all records were written: {self._failed[:1] or 'no acknowledgement in time'}"
            )
        return self._written
