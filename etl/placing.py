"""Where reading begins when a partition becomes ours, asked of the log and never guessed.

At the range that was intended and not committed; else after what was committed; where nothing was, or in a
topic that was made anew, at the oldest record there is. What the log no longer holds is Fatal: any start
would silently skip records or read others under their offsets.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType

from contract.limits import OCCURRED_AGE_MS_MAX
from etl.assignment import Assignment
from etl.errors import Fatal, Retryable
from etl.intents import Mark, parse
from etl.kafka_errors import branch
from etl.ranges import Position
from etl.rows import HORIZON_DAYS

ASK_TIMEOUT_S = 10.0
DAY_MS = 86_400_000
EVENT_AGE_DAYS_MAX = OCCURRED_AGE_MS_MAX // DAY_MS

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Committed:
    """What the group committed of one partition, and what it said with it. None: nothing, or a tool's."""

    position: Position | None
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the log holds of one partition: `low` is the oldest record, `high` the place after the newest."""

    low: Position
    high: Position


@dataclass(frozen=True, slots=True)
class Topic:
    """What the broker says of the topic."""

    name: str
    id: str
    partitions: int


def place(  # noqa: PLR0913 - two clients, and what to place
    consumer: Consumer,
    admin: AdminClient,
    *,
    topic: str,
    group: str,
    partitions: Sequence[int],
    partitions_accepted: int = 0,
) -> list[Assignment]:
    """An assignment for each of `partitions`, with the position to read from and what to redo first.

    Raises Retryable when the broker does not answer, Fatal when reading on could lose or double events.
    """
    if not partitions:
        return []
    described = describe(admin, topic)
    kept = settings_ms(admin, topic)
    check_horizon(topic, kept["retention.ms"], segment_ms=kept["segment.ms"])
    committed = _committed(consumer, topic, range(described.partitions))
    check_partitions(described, committed, accepted=partitions_accepted)
    return [
        begin(described, group, each, committed[each], _bounds(consumer, topic, each)) for each in partitions
    ]


def begin(topic: Topic, group: str, partition: int, committed: Committed, bounds: Bounds) -> Assignment:
    """The assignment of one partition. Pure: decides by what was asked."""
    position, mark = committed.position, committed.mark
    if position is not None and mark is not None and mark.topic_id != topic.id:
        log.warning(
            "topic_made_anew", partition=partition, was=mark.topic_id, now=topic.id, offset=bounds.low
        )
        position = mark = None
    if position is None:
        log.info("partition_read_from_its_beginning", partition=partition, offset=bounds.low)
        position = bounds.low
    intent = mark.intent if mark else None
    reaches = intent.last + 1 if intent else position
    if position < bounds.low or reaches > bounds.high:
        upto = f", with a range up to {reaches} to be stored next," if intent else ""
        raise Fatal(
            f"group {group} is at offset {position} of {topic.name}:{partition}{upto} but the log holds "
            f"{bounds.low} to {bounds.high}: records were removed before they were read, or the topic was "
            "replaced; when that loss is accepted, reset the group's offsets to earliest and start again"
        )
    return Assignment(
        topic=topic.name,
        topic_id=topic.id,
        partition=partition,
        partitions=topic.partitions,
        committed=position,
        redo=intent,
    )


def check_partitions(topic: Topic, committed: Mapping[int, Committed], *, accepted: int) -> None:
    """Raise Fatal when the topic had another number of partitions when the group last committed."""
    counts = {
        each.mark.partitions for each in committed.values() if each.mark and each.mark.topic_id == topic.id
    }
    if counts <= {topic.partitions} or accepted == topic.partitions:
        return
    before = max(counts - {topic.partitions})
    raise Fatal(
        f"{topic.name} has {topic.partitions} partitions and had {before}: copies of one event may now lie "
        "in two of them and count twice. Stop the senders, let the group drain with the number it had, then "
        f"start once with UGC_ETL_PARTITIONS_ACCEPTED={topic.partitions}"
    )


def check_horizon(topic: str, retention_ms: int, *, segment_ms: int) -> None:
    """Raise Fatal when the log keeps events longer than the warehouse remembers their ids.

    Whole segments are deleted, by the age of their newest record: the oldest is older by up to a segment.
    """
    days_max = HORIZON_DAYS - EVENT_AGE_DAYS_MAX
    kept_ms = retention_ms + segment_ms
    if retention_ms < 0 or kept_ms > days_max * DAY_MS:
        kept = "for ever" if retention_ms < 0 else f"up to {kept_ms / DAY_MS:.1f} days"
        raise Fatal(
            f"{topic} keeps its records {kept} (retention.ms and segment.ms); a copy may come "
            f"{EVENT_AGE_DAYS_MAX} days late, and ids are remembered {HORIZON_DAYS} days, so {days_max} days "
            "are the most: lower UGC_TOPIC_RETENTION_DAYS (`ugc migrate` also sets short segments)"
        )


def describe(admin: AdminClient, topic: str) -> Topic:
    """The id the broker gave this topic when it was made, and its number of partitions."""
    asked = admin.describe_topics(TopicCollection([topic]), request_timeout=ASK_TIMEOUT_S)
    found = answer(asked[topic], f"cannot describe topic {topic}")
    return Topic(topic, str(found.topic_id), len(found.partitions))


def settings_ms(admin: AdminClient, topic: str) -> dict[str, int]:
    """How long the topic keeps a record (-1 is for ever), and how long one of its segments may grow."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    asked = admin.describe_configs([resource], request_timeout=ASK_TIMEOUT_S)
    told = answer(asked[resource], f"cannot read the settings of topic {topic}")
    return {name: int(told[name].value) for name in ("retention.ms", "segment.ms")}


def answer(asked: "Future[Any]", doing: str) -> Any:
    """What an admin client was told; `doing` says what did not work."""
    try:
        return asked.result(ASK_TIMEOUT_S)
    except KafkaException as error:
        raise branch(error.args[0], doing) from None
    except FutureTimeoutError:
        raise Retryable(f"{doing}: the broker does not answer") from None


def _asked(question: Callable[[], T], doing: str) -> T:
    try:
        return question()
    except KafkaException as error:
        raise branch(error.args[0], doing) from None


def _committed(consumer: Consumer, topic: str, partitions: Sequence[int]) -> dict[int, Committed]:
    asked = [TopicPartition(topic, partition) for partition in partitions]
    answered = _asked(
        lambda: consumer.committed(asked, timeout=ASK_TIMEOUT_S), "cannot read what was committed"
    )
    for each in answered:
        if each.error is not None:
            raise branch(each.error, f"cannot read what was committed of partition {each.partition}")
    return {
        each.partition: Committed(Position(each.offset), parse(each.metadata))
        if each.offset >= 0
        else Committed(None, None)
        for each in answered
    }


def _bounds(consumer: Consumer, topic: str, partition: int) -> Bounds:
    low, high = _asked(
        lambda: consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ASK_TIMEOUT_S),
        f"cannot read the bounds of partition {partition}",
    )
    return Bounds(Position(low), Position(high))
