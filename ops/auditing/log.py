"""The log held against the tables: each record that was read is a row, a duplicate, dead or a canary. Is it?

From offsets and tables alone. The log says which records it holds and how far the group has read; the ledger
says what became of each range; the ids that are remembered say which of them are rows; the dead letters'
topic says which of them are dead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from clickhouse_connect.driver.client import Client
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from clickhouse import ledger
from clickhouse.ledger import Gap, Moved
from contract.topics import Topic
from etl import dead_topic
from etl.dead_topic import Span
from etl.errors import Retryable
from etl.kafka_errors import branch
from etl.placing import ASK_TIMEOUT_S, describe

# Offsets of a gap that are read to see whether there are records: a transaction's marks have offsets too.
GAP_READ_MAX: Final = 1_000_000

DeadOf = Callable[[str, int, int, int], int]


@dataclass(frozen=True, slots=True)
class Account:
    """One partition: what the log holds, and what became of it. `wrong`: a line for each thing that is."""

    partition: int
    in_log: int
    read: int
    inserted: int
    duplicates: int
    dead: int
    canaries: int
    not_yet_read: int
    wrong: list[str] = field(default_factory=list)


class LogAuditor:
    """Reads only. Raises Retryable or Fatal when the broker, a clickhouse.client error when the warehouse
    does not answer."""

    def __init__(
        self,
        client: Client,
        connection: Mapping[str, Any],
        *,
        group: str,
        dead_of: DeadOf,
        topic: Topic,
    ) -> None:
        self._client = client
        self._connection = connection
        self._admin = AdminClient(dict(connection))
        self._group = group
        self._dead_of = dead_of
        self._topic = topic

    def accounts(self) -> list[Account]:
        """One for each partition of the topic."""
        topic_id = describe(self._admin, self._topic.name).id
        # Before the ends of the log: it may grow meanwhile, and nobody has read more than it holds.
        committed = self._committed()
        return [
            self._account(topic_id, span, committed.get(span.partition, span.low))
            for span in dead_topic.spans(self._connection, self._topic.name)
        ]

    def _account(self, topic_id: str, span: Span, position: int) -> Account:
        end = min(max(position, span.low), span.high)
        found = ledger.moved(
            self._client, topic_id=topic_id, partition=span.partition, first=span.low, end=end
        )
        where = f"{self._topic.name}:{span.partition}"
        wrong = [f"{where}: {each}" for each in self._faults(topic_id, span, end, found)]
        begun = found.first if found.ranges else end
        return Account(
            partition=span.partition,
            in_log=span.high - span.low,
            read=end - begun,
            inserted=found.ids,
            duplicates=found.duplicates if not found.overlaps else found.records - found.ids - found.dead,
            dead=found.dead,
            canaries=found.canaries,
            not_yet_read=span.high - end,
            wrong=wrong,
        )

    def _faults(self, topic_id: str, span: Span, end: int, found: Moved) -> list[str]:
        wrong = [
            f"{records:,} records at offsets {gap.first} to {gap.last} were passed over: the ledger has no "
            "range with them"
            for gap in _gaps(span, end, found)
            if (records := self._records(span.partition, gap))
        ]
        if found.torn:
            wrong.append(
                f"{found.torn:,} ranges whose records are not rows, duplicates, dead letters and canaries, "
                f"such as that at offset {found.example}"
            )
        if found.overlaps:
            return wrong + _faults_of_sums(found)
        letters = self._dead_of(topic_id, span.partition, found.first, end) if found.dead else 0
        if letters < found.dead:
            wrong.append(f"{found.dead:,} records died and {letters:,} dead letters tell of them")
        return wrong + _faults_of_ids(found)

    def _records(self, partition: int, gap: Gap) -> int:
        """How many there are in a gap; of a very long one each offset is taken for one."""
        if gap.last - gap.first >= GAP_READ_MAX:
            return gap.last - gap.first + 1
        span = Span(partition, gap.first, gap.last + 1)
        return sum(len(each) for each in dead_topic.read(self._connection, self._topic.name, [span]))

    def _committed(self) -> dict[int, int]:
        asked = [TopicPartition(self._topic.name, number) for number in range(self._topic.partitions)]
        group = ConsumerGroupTopicPartitions(self._group, asked)
        try:
            answer = self._admin.list_consumer_group_offsets([group])[self._group].result(ASK_TIMEOUT_S)
        except KafkaException as error:
            raise branch(error.args[0], f"cannot read what group {self._group} committed") from None
        except TimeoutError:
            raise Retryable("cannot read what was committed: the broker does not answer") from None
        return {each.partition: each.offset for each in answer.topic_partitions if each.offset >= 0}


def _gaps(span: Span, end: int, found: Moved) -> list[Gap]:
    """Offsets that were read and are in no range."""
    if not found.ranges:
        return [Gap(span.low, end - 1)] if end > span.low else []
    edges = [Gap(span.low, found.first - 1), *found.gaps, Gap(found.last + 1, end - 1)]
    return [Gap(max(gap.first, span.low), gap.last) for gap in edges if gap.last >= max(gap.first, span.low)]


def _faults_of_ids(found: Moved) -> list[str]:
    wrong = []
    if found.forgotten:
        wrong.append(
            f"{found.forgotten:,} ranges with fewer ids in event_ids than rows were inserted, such as that "
            f"at offset {found.example}: {found.ids:,} of {found.rows:,} in all"
        )
    if found.unknown:
        wrong.append(
            f"{found.unknown:,} ranges with more ids in event_ids than records could become rows, such as "
            f"that at offset {found.example}"
        )
    return wrong


def _faults_of_sums(found: Moved) -> list[str]:
    if found.rows <= found.ids <= found.records:
        return []
    return [f"{found.ids:,} ids are remembered of {found.rows:,} rows that were inserted"]
