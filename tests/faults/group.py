"""The log from outside the ETL: what lies in it, what the group has committed, and changes of either."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewPartitions
from faults.stand import eventually
from services import until

from contract.topics import DEAD, EVENTS, PARTITIONER
from contract.wire import Record
from ops.upkeep import topics

ETL_GROUP = "ugc-etl"
ASK_S = 5.0
_RANGE = re.compile(r";([0-9]+)-([0-9]+);")


@dataclass(frozen=True, slots=True)
class Commit:
    """What a group remembers of a partition."""

    offset: int
    metadata: str

    @property
    def intended(self) -> tuple[int, int] | None:
        """First and last offset of the range that was to be stored next."""
        found = _RANGE.search(self.metadata)
        return (int(found[1]), int(found[2])) if found else None


class Group:
    """The ETL's consumer group, looked at and changed as an operator's tools do. Never a member of it."""

    def __init__(self, bootstrap: str) -> None:
        self._base = {"bootstrap.servers": bootstrap, "log_level": 0, "socket.timeout.ms": 5000}
        self._consumer = Consumer({**self._base, "group.id": ETL_GROUP, "enable.auto.commit": False})
        self.admin = AdminClient(self._base)

    def close(self) -> None:
        self._consumer.close()

    def partitions(self, topic: str = EVENTS.name) -> list[int]:
        return sorted(self._consumer.list_topics(topic, timeout=ASK_S).topics[topic].partitions)

    def commits(self) -> dict[int, Commit]:
        """By partition; a partition without a commit has a negative offset."""
        asked = [TopicPartition(EVENTS.name, partition) for partition in self.partitions()]
        answered = self._consumer.committed(asked, timeout=ASK_S)
        return {each.partition: Commit(each.offset, each.metadata or "") for each in answered}

    def commit(self, commits: dict[int, Commit], *, within_s: float = 20) -> None:
        """Set what the group remembers. Its members must be gone, or their sessions run out first."""

        def attempt() -> bool:
            # The metadata of a position can be given to the constructor only.
            places = [
                TopicPartition(EVENTS.name, partition, commit.offset, commit.metadata)
                for partition, commit in commits.items()
            ]
            try:
                answered = self._consumer.commit(offsets=places, asynchronous=False)
            except KafkaException:
                return False
            return all(each.error is None for each in answered)

        until(attempt, within_s=within_s, what="the group takes another position")

    def bounds(self, topic: str = EVENTS.name) -> dict[int, tuple[int, int]]:
        """Oldest offset and the one after the newest, by partition."""
        return {
            partition: self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ASK_S)
            for partition in self.partitions(topic)
        }

    def wait_drained(self, *, within_s: float = 60, what: str = "all that lies in the log is done") -> None:
        """Return when the group has committed what lies in the log now."""
        bounds = eventually(self.bounds, within_s=within_s, what="the log tells its bounds")

        def drained() -> bool:
            commits = self.commits()
            return all(high == 0 or commits[p].offset >= high for p, (_, high) in bounds.items())

        eventually(drained, within_s=within_s, what=what)

    def recreate_topic(self, names: Sequence[str] = (EVENTS.name,)) -> None:
        """Topics are deleted and made anew, empty. What was committed is forgotten with them."""
        for future in self.admin.delete_topics(list(names)).values():
            future.result(10)

        def made() -> bool:
            topics.ensure(self._base["bootstrap.servers"], retention_days=7)
            return all(high == 0 for name in names for _, high in self.bounds(name).values())

        eventually(made, within_s=20, what="the topics are made anew")

    def set_back(self) -> None:
        """The group is set to the oldest record of each partition, as by Kafka's own tool."""
        self.commit({partition: Commit(low, "") for partition, (low, _) in self.bounds().items()})

    def cut_off(self, before: dict[int, int]) -> None:
        """Removes the records before these offsets, as retention does."""
        places = [TopicPartition(EVENTS.name, partition, offset) for partition, offset in before.items()]
        for future in self.admin.delete_records(places).values():
            future.result(10)

    def add_partitions(self, count: int) -> None:
        self.admin.create_partitions([NewPartitions(EVENTS.name, count)])[EVENTS.name].result(10)
        until(lambda: len(self.partitions()) == count, within_s=10, what="the partitions are there")

    def configure_topic(self, topic: str, **config: str) -> None:
        """Set configuration of a topic; `_` in a name is a dot."""
        entries = [
            ConfigEntry(name.replace("_", "."), value, incremental_operation=AlterConfigOpType.SET)
            for name, value in config.items()
        ]
        change = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
        self.admin.incremental_alter_configs([change])[change].result(10)
        wanted = {name.replace("_", "."): value for name, value in config.items()}

        def told() -> bool:
            found = self.admin.describe_configs([change])[change].result(10)
            return wanted.items() <= {name: found[name].value for name in wanted}.items()

        # The controller has it at once, the brokers a moment later.
        until(told, within_s=10, what=f"{topic} is told to be so")

    def letters(self) -> list[Any]:
        """Every dead letter there is, as messages. Offsets do not tell how many: transactions take some."""
        low, _ = self.bounds(DEAD.name)[0]
        consumer = Consumer(
            {
                **self._base,
                "group.id": "letters",
                "enable.partition.eof": True,
                "fetch.message.max.bytes": 20_000_000,
            }
        )
        found: list[Any] = []
        try:
            consumer.assign([TopicPartition(DEAD.name, 0, low)])
            while (message := consumer.poll(10)) is not None:
                failed = message.error()
                if failed is not None and failed.code() == KafkaError._PARTITION_EOF:
                    return found
                assert failed is None, failed
                found.append(message)
        finally:
            consumer.close()
        raise AssertionError(f"the dead letters did not end: {len(found)} read")

    def send(
        self, records: Iterable[Record | tuple[Any, ...]], *, partition: int | None = None, **config: Any
    ) -> None:
        """Write records (key, value, headers, …) as they are, and return when the log holds them."""
        producer = Producer(
            {**self._base, "partitioner": PARTITIONER, "enable.idempotence": True, "linger.ms": 5, **config}
        )
        place = {} if partition is None else {"partition": partition}
        refused: list[str] = []

        def delivered(error: KafkaError | None, _: Any) -> None:
            if error is not None:
                refused.append(error.str())

        for each in records:
            key, value, headers = (
                (each.key, each.value, each.headers) if isinstance(each, Record) else each[:3]
            )
            while True:
                try:
                    producer.produce(
                        EVENTS.name, value, key=key, headers=headers, on_delivery=delivered, **place
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        assert producer.flush(60) == 0
        assert not refused, refused[:3]

    def send_by_partition(self, records: dict[int, Sequence[Record]]) -> None:
        for partition, those in records.items():
            self.send(those, partition=partition)
