"""Create the topics the contract names; one that is there is checked, and keeps messages as long as asked.

Nothing else of it is changed: what its partitions hold rests on them.
"""

from dataclasses import dataclass, replace

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from contract.topics import TOPICS, Topic
from telemetry.errors import OperatorError

TIMEOUT_S = 10.0
DAY_MS = 24 * 60 * 60 * 1000
RETENTION = "retention.ms"


class TopicsFailed(OperatorError):  # noqa: N818 - what happened, said to a person
    """The topics are not as the contract wants them; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """One topic and what this run did to it."""

    name: str
    partitions: int
    created: bool
    retention_changed: bool = False


def ensure(bootstrap: str, *, retention_days: int) -> list[TopicState]:
    """Every topic of the contract exists with its partitions and its retention. Safe to run again.

    Raises TopicsFailed when the broker does not answer or refuses, or when a topic has another number of
    partitions: equal event ids would meet in different ones, and deduplication rests on their meeting.
    """
    admin = _admin(bootstrap)
    there = _there(admin, bootstrap)
    # All are checked before any is touched.
    states = {topic: _checked(topic, there[topic.name]) for topic in TOPICS if topic.name in there}
    return [
        _retained(admin, states[topic], retention_days)
        if topic in states
        else _create(admin, topic, retention_days)
        for topic in TOPICS
    ]


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
    try:
        found = admin.list_topics(timeout=TIMEOUT_S).topics
    except KafkaException as error:
        raise TopicsFailed(
            f"no broker answers at {bootstrap} ({error.args[0].str()}); is it up? "
            "UGC_KAFKA_BOOTSTRAP says where it is"
        ) from None
    return {name: len(topic.partitions) for name, topic in found.items()}


def _checked(topic: Topic, partitions: int) -> TopicState:
    if partitions != topic.partitions:
        raise TopicsFailed(
            f"topic {topic.name} has {partitions} partitions and the contract says {topic.partitions}; "
            "drain it, delete it and run `ugc migrate` again"
        )
    return TopicState(topic.name, partitions, created=False)


def _create(admin: AdminClient, topic: Topic, retention_days: int) -> TopicState:
    config = {
        RETENTION: str(retention_days * DAY_MS),
        "max.message.bytes": str(topic.message_bytes_max),
        # By time only: a bound in bytes would delete events that the ETL has not read yet.
        "retention.bytes": "-1",
        "cleanup.policy": "delete",
    }
    new = NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=-1, config=config)
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


def _retained(admin: AdminClient, state: TopicState, retention_days: int) -> TopicState:
    """Has the topic keep messages for `retention_days`, if it does not."""
    asked = str(retention_days * DAY_MS)
    topic = ConfigResource(ResourceType.TOPIC, state.name)
    entry = ConfigEntry(RETENTION, asked, incremental_operation=AlterConfigOpType.SET)
    change = ConfigResource(ResourceType.TOPIC, state.name, incremental_configs=[entry])
    try:
        if admin.describe_configs([topic])[topic].result(TIMEOUT_S)[RETENTION].value == asked:
            return state
        admin.incremental_alter_configs([change])[change].result(TIMEOUT_S)
    except (KafkaException, TimeoutError) as error:
        reason = error.args[0].str() if isinstance(error, KafkaException) else "no answer in time"
        raise TopicsFailed(
            f"cannot set {RETENTION} of topic {state.name} to {asked}: {reason}; "
            "allow it, or set it there and run `ugc migrate` again"
        ) from None
    return replace(state, retention_changed=True)
