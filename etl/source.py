"""The log on Kafka: one consumer of the group, its assignments, and synchronous commits.

Nothing is committed but by `commit`, and nothing is read from a position that the log chose for us:
every partition is assigned explicitly at the place that placing.py found, and an offset that is out of
range is an error.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import compress
from typing import cast

import orjson
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from contract.topics import Topic
from etl.abandoned import Abandonment
from etl.assignment import Assignment
from etl.errors import EtlError, Fatal, Retryable
from etl.intents import Intent, Mark
from etl.kafka_client import configuration, connection
from etl.kafka_errors import branch
from etl.placing import place
from etl.ports import Message as LogMessage
from etl.ranges import Position
from etl.settings import EtlSettings
from telemetry.clock import Clock

# So many at once: above it nothing is saved, and the loop should come round. Large ones are fewer.
POLL_RECORDS_MAX = 2_000
POLL_BYTES_MAX = 2 * 1024 * 1024
SAMPLED_EVERY = 64
RECORD_BYTES_AT_FIRST = 8_192
# Leaving, we answer rebalances until none came for so long, and give up on that after so many looks.
QUIET_S = 0.1
LOOKS_MAX = 30

Place = Callable[[Consumer, Sequence[int]], list[Assignment]]


def open_source(settings: EtlSettings, topic: Topic, *, clock: Clock) -> "KafkaSource":
    """Join the group and subscribe. Returns at once: partitions come with later polls."""
    coordinator = _Coordinator()
    consumer = Consumer({**configuration(settings), "stats_cb": coordinator.told})
    admin = AdminClient(connection(settings))

    def place_all(asking: Consumer, partitions: Sequence[int]) -> list[Assignment]:
        return place(
            asking,
            admin,
            topic=topic.name,
            group=settings.etl_group_id,
            partitions=partitions,
            partitions_accepted=settings.etl_partitions_accepted,
        )

    abandonment = Abandonment(
        admin,
        group=settings.etl_group_id,
        topic=topic.name,
        session_s=settings.etl_session_timeout_ms / 1000,
        clock=clock,
    )
    return KafkaSource(
        consumer,
        topic.name,
        place=place_all,
        abandonment=abandonment if settings.etl_instance_id else None,
        in_touch=coordinator.in_touch,
    )


class _Coordinator:
    """What librdkafka says of the group's coordinator, under KIP-848 alone: there nobody calls a member that
    has joined and got no partition, so that it could not be told from one that waits for a broker."""

    def __init__(self) -> None:
        self._up = False

    def told(self, statistics: str) -> None:
        self._up = orjson.loads(statistics).get("cgrp", {}).get("state") == "up"

    def in_touch(self) -> bool:
        return self._up


class KafkaSource:
    """The real source; see the port for what it promises.

    One with a name keeps its place in the group when it is closed, for as long as its session; it is told by
    its `abandonment`.
    """

    def __init__(
        self,
        consumer: Consumer,
        topic: str,
        *,
        place: Place,
        abandonment: Abandonment | None,
        in_touch: Callable[[], bool],
    ) -> None:
        self._consumer = consumer
        self._topic = topic
        self._place = place
        self._returns = abandonment is not None
        self._abandonment = abandonment
        self._in_touch = in_touch
        self._leaving = False
        self._rebalanced = False
        self.assignments: dict[int, Assignment] = {}
        self._broken: EtlError | None = None
        self._paused = False
        self._records_max = POLL_BYTES_MAX // RECORD_BYTES_AT_FIRST
        self._log = structlog.get_logger()
        self._assigned = False
        consumer.subscribe(
            [topic], on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    @property
    def joined(self) -> bool:
        """Whether the group has told us our partitions, be they none; see the port."""
        return self._assigned or self._in_touch()

    def poll(self, timeout_s: float) -> Mapping[Assignment, Sequence[LogMessage]]:
        """New records by assignment; see the port."""
        try:
            messages = self._consumer.consume(self._records_max, timeout_s)
        except KafkaException as error:
            raise branch(error.args[0], "cannot read the log") from None
        if self._broken is not None:
            raise self._broken
        if self._assigned and self._abandonment is not None and self._abandonment.ruled_out():
            self._abandonment = None
        if not messages:
            return {}
        for message in [each for each in messages if each.error() is not None]:
            self._look_into(message)
            messages.remove(message)
        largest = max([len(message.value() or b"") for message in messages[::SAMPLED_EVERY]], default=0)
        self._records_max = max(1, min(POLL_RECORDS_MAX, POLL_BYTES_MAX // (largest + 1)))
        partitions = [message.partition() for message in messages]
        # What was fetched before its partition was revoked within this very call is dropped here.
        return {
            self.assignments[partition]: messages
            if len(set(partitions)) == 1
            else list(compress(messages, [each == partition for each in partitions]))
            for partition in set(partitions)
            if partition in self.assignments
        }

    def commit(self, assignment: Assignment, position: Position, intent: Intent | None) -> None:
        """Commit synchronously; see the port."""
        assignment.check()
        mark = Mark(assignment.topic_id, assignment.partitions, intent)
        target = TopicPartition(assignment.topic, assignment.partition, position, mark.text())
        try:
            answered = self._consumer.commit(offsets=[target], asynchronous=False)
        except KafkaException as error:
            raise branch(error.args[0], f"cannot commit {assignment.topic}:{assignment.partition}") from None
        for each in answered:
            if each.error is not None:
                raise branch(each.error, f"cannot commit {each.topic}:{each.partition}")
        assignment.committed = position

    def reread(self, assignment: Assignment) -> None:
        """Give the partition back to ourselves; see the port."""
        assignment.check()
        partition = assignment.partition
        self._end([partition])
        try:
            (placed,) = self._place(self._consumer, [partition])
            self._consumer.seek(TopicPartition(self._topic, partition, _start(placed)))
            self.assignments[partition] = placed
        except KafkaException as error:
            raise branch(error.args[0], f"cannot read {self._topic}:{partition} again") from None

    def pause(self) -> None:
        """Stop fetching, for what is ours now; partitions that come later need another call."""
        self._paused = True
        self._consumer.pause(self._partitions())

    def resume(self) -> None:
        """Fetch again."""
        if self._paused:
            self._paused = False
            self._consumer.resume(self._partitions())

    def lag(self) -> dict[int, int]:
        """By partition: records after the committed one, by the last answer to a fetch."""
        lag = {}
        for partition, assignment in self.assignments.items():
            bounds = self._consumer.get_watermark_offsets(TopicPartition(self._topic, partition), cached=True)
            high = bounds[1] if bounds else -1
            lag[partition] = max(0, high - assignment.committed)
        return lag

    def close(self) -> None:
        """Leave the group. Commits nothing."""
        self._leaving = True
        try:
            with suppress(KafkaException):
                self.pause()
                self._answer_rebalances()
        finally:
            self._end(list(self.assignments))
            self._consumer.close()

    def _answer_rebalances(self) -> None:
        # To close while a rebalance waits for its callback is to hang: librdkafka asks for a second one, is
        # gone with the answer to the first, and waits for ever to be told of the second (librdkafka #4884).
        if not self._returns:
            self._consumer.unsubscribe()
        for _ in range(LOOKS_MAX):
            self._rebalanced = False
            self._consumer.consume(POLL_RECORDS_MAX, QUIET_S)
            if not self._rebalanced:
                return

    def _partitions(self) -> list[TopicPartition]:
        return [TopicPartition(self._topic, partition) for partition in self.assignments]

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._rebalanced = True
        # Raising here would leave librdkafka to assign on its own; poll raises in our place.
        if self._leaving:
            with suppress(KafkaException):
                consumer.incremental_assign(partitions)
                consumer.pause(partitions)
            return
        try:
            self._take_over(consumer, [each.partition for each in partitions])
        except EtlError as error:
            self._broken = error
        except KafkaException as error:
            self._broken = branch(error.args[0], "cannot take over partitions")
        else:
            self._assigned = True

    def _take_over(self, consumer: Consumer, partitions: Sequence[int]) -> None:
        placed = self._place(consumer, partitions)
        consumer.incremental_assign(
            [TopicPartition(self._topic, each.partition, _start(each)) for each in placed]
        )
        self.assignments.update({each.partition: each for each in placed})
        if self._paused:
            self.pause()
        else:
            # librdkafka keeps a pause over the loss of a partition: one that left while it was paused
            # comes back paused, and would never be read again.
            consumer.resume(self._partitions())
        self._log.info(
            "partitions_assigned",
            positions={each.partition: each.committed for each in placed},
            redo={p.partition: f"{p.redo.first}-{p.redo.last}" for p in placed if p.redo},
        )

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._rebalanced = True
        self._end([each.partition for each in partitions])
        try:
            consumer.incremental_unassign(partitions)
        except KafkaException as error:
            self._broken = branch(error.args[0], "cannot give partitions back")
        self._log.info("partitions_revoked", partitions=[each.partition for each in partitions])

    def _on_lost(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._rebalanced = True
        self._end([each.partition for each in partitions])
        self._assigned = False
        self._log.warning("partitions_lost", partitions=[each.partition for each in partitions])

    def _end(self, partitions: Sequence[int]) -> None:
        for partition in partitions:
            assignment = self.assignments.pop(partition, None)
            if assignment is not None:
                assignment.end()

    def _look_into(self, message: Message) -> None:
        error, partition = cast(KafkaError, message.error()), message.partition()
        if error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001 - librdkafka's own name
            raise Fatal(
                f"the log no longer holds what is to be read next of {self._topic}:{partition} "
                f"({error.str()}); records were removed before they were read: when that loss is accepted, "
                "reset the group's offsets to earliest and start again"
            )
        sorted_error = branch(error, "cannot read the log")
        if not isinstance(sorted_error, Retryable):
            raise sorted_error
        # librdkafka goes on trying by itself.
        self._log.warning("broker_error", reason=str(sorted_error))


def _start(assignment: Assignment) -> int:
    return assignment.redo.first if assignment.redo else assignment.committed
