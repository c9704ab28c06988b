"""Where reading begins when a partition becomes ours, asked of the log and never guessed.

After what was committed; where nothing was, at the oldest record there is. A committed position that the
log no longer holds is Fatal: any start would silently skip records or read others under their offsets.
"""

from collections.abc import Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError

import structlog
from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from etl.assignment import Assignment
from etl.errors import Fatal, Retryable
from etl.kafka_errors import branch
from etl.ranges import Position

ASK_TIMEOUT_S = 10.0

log = structlog.get_logger()


def place(
    consumer: Consumer, admin: AdminClient, *, topic: str, group: str, partitions: Sequence[int]
) -> list[Assignment]:
    """An assignment for each of `partitions`, with the position to read from.

    Raises Retryable when the broker does not answer, Fatal when a committed position is out of range.
    """
    if not partitions:
        return []
    topic_id = read_topic_id(admin, topic)
    committed = _committed(consumer, topic, partitions)
    return [
        Assignment(
            topic=topic,
            topic_id=topic_id,
            partition=partition,
            committed=_start(consumer, topic, group, partition, committed[partition]),
        )
        for partition in partitions
    ]


def read_topic_id(admin: AdminClient, topic: str) -> str:
    """The id the broker gave this topic when it was made."""
    asked = admin.describe_topics(TopicCollection([topic]), request_timeout=ASK_TIMEOUT_S)
    try:
        return str(asked[topic].result(ASK_TIMEOUT_S).topic_id)
    except KafkaException as error:
        raise branch(error.args[0], f"cannot describe topic {topic}") from None
    except FutureTimeoutError:
        raise Retryable(f"cannot describe topic {topic}: the broker does not answer") from None


def _committed(consumer: Consumer, topic: str, partitions: Sequence[int]) -> dict[int, Position | None]:
    asked = [TopicPartition(topic, partition) for partition in partitions]
    try:
        answered = consumer.committed(asked, timeout=ASK_TIMEOUT_S)
    except KafkaException as error:
        raise branch(error.args[0], "cannot read what was committed") from None
    for each in answered:
        if each.error is not None:
            raise branch(each.error, f"cannot read what was committed of partition {each.partition}")
    return {each.partition: Position(each.offset) if each.offset >= 0 else None for each in answered}


def _start(
    consumer: Consumer, topic: str, group: str, partition: int, committed: Position | None
) -> Position:
    try:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ASK_TIMEOUT_S)
    except KafkaException as error:
        raise branch(error.args[0], f"cannot read the bounds of partition {partition}") from None
    if committed is None:
        log.info("partition_read_from_its_beginning", partition=partition, offset=low)
        return Position(low)
    if not low <= committed <= high:
        raise Fatal(
            f"group {group} is at offset {committed} of {topic}:{partition}, but the log holds "
            f"{low} to {high}: records were removed before they were read, or the topic was replaced; "
            "when that loss is accepted, reset the group's offsets to earliest and start again"
        )
    return committed
