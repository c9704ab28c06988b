"""Create the topics the contract names; one that is there is checked, and keeps messages as long as asked.

Only whole segments are deleted, so a segment grows for a day at most: a record is kept that much longer.

Nothing else of `events` is changed: what its partitions hold rests on them. The dead letters' topic is
written by us alone, and is brought to all that the contract says of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._metadata import TopicMetadata
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from contract.topics import TOPICS, Topic
from telemetry.clock import SystemClock
from telemetry.errors import OperatorError

TIMEOUT_S = 10.0
LOOK_EVERY_S = 0.05
DAY_MS = 24 * 60 * 60 * 1000
RETENTION = "retention.ms"
SEGMENT = "segment.ms"


class TopicsFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The topics are not as the contract wants them; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic and what this run did to it."""

    name: str
    partitions: int
    created: bool
    retention_changed: bool = False
    config_changed: bool = False


def ensure(bootstrap: str, *, retention_days: int) -> list[TopicState]:
    """Every topic of the contract exists with its partitions and its retention. Safe to run again.

    Raises TopicsFailed when the broker does not answer or refuses, or when a topic has another number of
    partitions: equal event ids would meet in different ones, and deduplication rests on their meeting.
    """
    admin = _admin(bootstrap)
    there = _there(admin, bootstrap)
    # All are checked before any is touched.
    states = {topic: _checked(topic, there[topic.name]) for topic in TOPICS if topic.name in there}
    made = [
        _held(admin, states[topic], held(topic, retention_days))
        if topic in states
        else _create(admin, topic, retention_days)
        for topic in TOPICS
    ]
    if len(states) < len(TOPICS):
        _wait_until_served(admin, bootstrap)
    return made


def _wait_until_served(admin: AdminClient, bootstrap: str) -> None:
    """A topic is created a moment before the broker knows of it when asked; whoever comes next needs it.

    Also one that another process created at the same time, which may have other partitions.
    """
    clock = SystemClock()
    deadline = clock.monotonic() + TIMEOUT_S
    while missing := [topic.name for topic in TOPICS if topic.name not in _served(admin, bootstrap)]:
        if clock.monotonic() > deadline:
            raise TopicsFailed(
                f"topic {missing[0]} was created and has no leader after {TIMEOUT_S:.0f} s; "
                "look at the broker, then run `ugc migrate` again"
            )
        clock.sleep(LOOK_EVERY_S)
    there = _there(admin, bootstrap)
    for topic in TOPICS:
        _checked(topic, there[topic.name])


def _served(admin: AdminClient, bootstrap: str) -> set[str]:
    found = _metadata(admin, bootstrap)
    return {
        name
        for name, topic in found.items()
        if topic.error is None and all(part.leader >= 0 for part in topic.partitions.values())
    }


def look(bootstrap: str) -> list[TopicState]:
    """The topics of the contract as they are. Raises TopicsFailed when one is missing or wrong."""
    there = _there(_admin(bootstrap), bootstrap)
    missing = [topic.name for topic in TOPICS if topic.name not in there]
    if missing:
        raise TopicsFailed(f"topic {missing[0]} is missing at {bootstrap}; run `ugc migrate`")
    return [_checked(topic, there[topic.name]) for topic in TOPICS]


def _admin(bootstrap: str) -> AdminClient:
    # Its own log lines would be a second voice: what goes wrong is said once, by the exception.
    return AdminClient({"bootstrap.servers": bootstrap, "socket.timeout.ms": 5000, "log_level": 0})


def _there(admin: AdminClient, bootstrap: str) -> dict[str, int]:
    return {name: len(topic.partitions) for name, topic in _metadata(admin, bootstrap).items()}


def _metadata(admin: AdminClient, bootstrap: str) -> dict[str, TopicMetadata]:
    try:
        found: dict[str, TopicMetadata] = admin.list_topics(timeout=TIMEOUT_S).topics
    except KafkaException as error:
        raise TopicsFailed(
            f"no broker answers at {bootstrap} ({error.args[0].str()}); is it up? "
            "UGC_KAFKA_BOOTSTRAP says where it is"
        ) from None
    return found


def _checked(topic: Topic, partitions: int) -> TopicState:
    if partitions != topic.partitions:
        raise TopicsFailed(
            f"topic {topic.name} has {partitions} partitions and the contract says {topic.partitions}; "
            "drain it, delete it and run `ugc migrate` again"
        )
    return TopicState(topic.name, partitions, created=False)


def _create(admin: AdminClient, topic: Topic, retention_days: int) -> TopicState:
    new = NewTopic(
        topic.name,
        num_partitions=topic.partitions,
        replication_factor=-1,
        config=configuration(topic, retention_days),
    )
    try:
        admin.create_topics([new], operation_timeout=TIMEOUT_S)[topic.name].result(TIMEOUT_S)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return TopicState(topic.name, topic.partitions, created=False)
        raise TopicsFailed(f"cannot create topic {topic.name}: {error.args[0].str()}") from None
    except TimeoutError:
        raise TopicsFailed(
            f"cannot create topic {topic.name}: no answer within {TIMEOUT_S:.0f} s; "
            "look at the broker, then run `ugc migrate` again"
        ) from None
    return TopicState(topic.name, topic.partitions, created=True)


def days_kept(retention_days: int) -> dict[str, int]:
    """By topic: how long it keeps a record when the log is to keep one for `retention_days`."""
    return {topic.name: _days_kept(topic, retention_days) for topic in TOPICS}


def _days_kept(topic: Topic, retention_days: int) -> int:
    return max(retention_days, topic.days_kept_min) if topic.days_kept_min else retention_days


def configuration(topic: Topic, retention_days: int) -> dict[str, str]:
    """What a new topic is made with."""
    kept_ms = _days_kept(topic, retention_days) * DAY_MS
    config = {
        RETENTION: str(kept_ms),
        SEGMENT: str(DAY_MS),
        "max.message.bytes": str(topic.message_bytes_max),
        # By time only: a bound in bytes would delete events that the ETL has not read yet.
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
    }
    if topic.compacted:
        config |= {
            "cleanup.policy": "compact,delete",
            # What settles a letter stays as long as a letter, or a replay would write the letter anew.
            "delete.retention.ms": str(kept_ms),
            # A letter that was discarded by mistake can still be shown and retried for a day.
            "min.compaction.lag.ms": str(DAY_MS),
        }
    return config


def held(topic: Topic, retention_days: int) -> dict[str, str]:
    """What a topic that is there is brought to."""
    config = configuration(topic, retention_days)
    return config if topic.compacted else {name: config[name] for name in (RETENTION, SEGMENT)}


def _held(admin: AdminClient, state: TopicState, wanted: Mapping[str, str]) -> TopicState:
    """Has the topic be as `wanted`, if it is not."""
    topic = ConfigResource(ResourceType.TOPIC, state.name)
    different: dict[str, str] = dict(wanted)
    try:
        there = admin.describe_configs([topic])[topic].result(TIMEOUT_S)
        # A policy may be told in another order.
        different = {
            name: value
            for name, value in wanted.items()
            if sorted(there[name].value.split(",")) != sorted(value.split(","))
        }
        if not different:
            return state
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in different.items()
        ]
        change = ConfigResource(ResourceType.TOPIC, state.name, incremental_configs=entries)
        admin.incremental_alter_configs([change])[change].result(TIMEOUT_S)
    except (KafkaException, TimeoutError) as error:
        reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
        name, value = next(iter(different.items()))
        raise TopicsFailed(
            f"cannot set {name} of topic {state.name} to {value}: {reason}; "
            "allow it, or set it there and run `ugc migrate` again"
        ) from None
    return replace(
        state, retention_changed=RETENTION in different, config_changed=bool(different.keys() - {RETENTION})
    )
