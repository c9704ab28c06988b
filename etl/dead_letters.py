"""Records that cannot become rows, kept whole in a topic of their own (letters.py says in which form).

Each record has one letter, however often it is read. Whoever is assigned a partition and meets its first
dead record there takes over the partition's transactional id: the letters a predecessor has still under way
are thrown away by the broker, and it can send no more. Then the topic is read through once for letters of
this partition from that record on; those are not written again. From then on what was written is known.

A transaction holds the letters of one range. `write` returns when it is committed, and the offsets of the
records are committed after that. Whatever fails, the producer is given up and all begins anew at the next
attempt, because only another look tells what became of a transaction whose answer was lost.
"""

import threading
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contract.topics import PARTITIONER, Topic
from etl import dead_topic
from etl.assignment import Assignment
from etl.batch import DeadLetter
from etl.errors import EtlError, Fatal, Retryable
from etl.kafka_client import connection
from etl.kafka_errors import branch
from etl.letters import LetterId, id_of, written
from etl.ranges import Offset
from etl.settings import EtlSettings
from telemetry.clock import Clock

ACK_TIMEOUT_MS: Final = 10_000
# How long the broker waits for a process that died in the middle; until then its letters hide later ones.
TRANSACTION_TIMEOUT_MS: Final = 15_000
# Offsets known to have a letter, 8 bytes each, by assignment; what lies beyond is looked up when it comes.
KNOWN_MAX: Final = 1_000_000

# Another process took the transactional id over, or the broker lost track: begun anew, it works again.
BEGIN_ANEW: Final = frozenset(
    {
        KafkaError._FENCED,  # noqa: SLF001 - librdkafka's own names
        KafkaError._STATE,  # noqa: SLF001
        KafkaError._PURGE_QUEUE,  # noqa: SLF001
        KafkaError._PURGE_INFLIGHT,  # noqa: SLF001
        KafkaError.CONCURRENT_TRANSACTIONS,
        KafkaError.INVALID_PRODUCER_EPOCH,
        KafkaError.INVALID_PRODUCER_ID_MAPPING,
        KafkaError.INVALID_TXN_STATE,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError.PRODUCER_FENCED,
        KafkaError.UNKNOWN_PRODUCER_ID,
    }
)


class Known:
    """Which records from `start` on, up to `until` or for ever, have a letter: all of them are here."""

    def __init__(self, start: int, *, room: int = KNOWN_MAX) -> None:
        self.start = start
        self.until: int | None = None
        self._room = room
        self._offsets = array("q")

    def covers(self, offset: int) -> bool:
        """Whether `in` tells the truth about this offset."""
        return self.start <= offset and (self.until is None or offset < self.until)

    def __contains__(self, offset: int) -> bool:
        place = bisect_left(self._offsets, offset)
        return place < len(self._offsets) and self._offsets[place] == offset

    def found(self, offset: int) -> None:
        """It has a letter, says the topic. The lowest `room` of what is found are kept."""
        if not self.covers(offset) or offset in self:
            return
        insort(self._offsets, offset)
        if len(self._offsets) > self._room:
            self.until = self._offsets.pop()

    def wrote(self, offset: int) -> None:
        """It has a letter of ours now. The highest are kept: reading goes on from here."""
        if offset in self:
            return
        insort(self._offsets, offset)
        if len(self._offsets) > self._room:
            self.start = self._offsets.pop(0) + 1


@dataclass(slots=True)
class _Box:
    """What is at hand for one assignment."""

    producer: Producer
    known: Known


class KafkaDeadLetters:
    """The real dead-letter topic; see the port. Made where it is used: librdkafka does not survive a fork."""

    def __init__(  # noqa: PLR0913 - the last three for tests of what takes long or much
        self,
        settings: EtlSettings,
        topic: Topic,
        *,
        clock: Clock,
        make_producer: Callable[[dict[str, Any]], Producer] = Producer,
        ack_timeout_ms: int = ACK_TIMEOUT_MS,
        known_max: int = KNOWN_MAX,
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._clock = clock
        self._make_producer = make_producer
        self._ack_timeout_ms = ack_timeout_ms
        self._known_max = known_max
        self._lock = threading.Lock()
        self._boxes: dict[Assignment, _Box] = {}

    def write(self, assignment: Assignment, letters: Sequence[DeadLetter]) -> int:
        """Return after the transaction is committed; see the port."""
        if not letters:
            return 0
        try:
            box = self._box(assignment, letters[0].record.offset)
            new = [letter for letter in letters if not self._is_known(assignment, box, letter)]
            if new:
                self._send(assignment, box.producer, new)
        except BaseException:
            self._give_up(assignment)
            raise
        for letter in new:
            box.known.wrote(letter.record.offset)
        return len(new)

    def close(self) -> None:
        """Drop what is not committed: its range is not committed either."""
        for assignment in list(self._boxes):
            self._give_up(assignment)

    def _box(self, assignment: Assignment, offset: Offset) -> _Box:
        with self._lock:
            for ended in [each for each in self._boxes if not each.current and each is not assignment]:
                # Its own thread may still be at work with it, and lets go of it then.
                del self._boxes[ended]
            box = self._boxes.get(assignment)
        if box is None:
            producer = self._take_over(assignment)
            box = _Box(producer, self._look(assignment, offset))
            with self._lock:
                self._boxes[assignment] = box
        return box

    def _take_over(self, assignment: Assignment) -> Producer:
        """A producer beside which none of this partition's can write: what others had open is undone."""
        group = self._settings.etl_group_id
        own = f"ugc-dead-{group}-{assignment.topic_id}-{assignment.partition}"
        producer = self._make_producer(
            configuration(
                self._settings, self._topic, transactional_id=own, ack_timeout_ms=self._ack_timeout_ms
            )
        )
        try:
            producer.init_transactions(self._ack_timeout_ms / 1000)
        except KafkaException as error:
            raise self._sorted(error.args[0]) from None
        return producer

    def _look(self, assignment: Assignment, offset: Offset) -> Known:
        """What the topic holds of this partition from `offset` on; also what was settled meanwhile."""
        known = Known(offset, room=self._known_max)
        at = connection(self._settings)
        parts = dead_topic.spans(at, self._topic.name)
        for messages in dead_topic.read(at, self._topic.name, parts):
            assignment.check()
            for message in messages:
                origin = id_of(message.key())
                if origin and origin[:2] == (assignment.topic_id, assignment.partition):
                    known.found(origin.offset)
        return known

    def _is_known(self, assignment: Assignment, box: _Box, letter: DeadLetter) -> bool:
        offset = letter.record.offset
        if not box.known.covers(offset):
            box.known = self._look(assignment, offset)
        return offset in box.known

    def _send(self, assignment: Assignment, producer: Producer, letters: Sequence[DeadLetter]) -> None:
        refused: list[KafkaError] = []

        def report(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                refused.append(error)

        first_seen_at = self._clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            producer.begin_transaction()
            for letter in letters:
                self._produce(assignment, producer, letter, first_seen_at, report)
            producer.commit_transaction(self._ack_timeout_ms / 1000)
        except KafkaException as error:
            # What the broker said of a letter tells more than that the transaction failed with it.
            raise self._sorted(refused[0] if refused else error.args[0]) from None

    def _produce(
        self,
        assignment: Assignment,
        producer: Producer,
        letter: DeadLetter,
        first_seen_at: str,
        report: Callable[[KafkaError | None, Message], None],
    ) -> None:
        origin = LetterId(assignment.topic_id, assignment.partition, letter.record.offset)
        made = written(letter, origin, topic=assignment.topic, first_seen_at=first_seen_at)
        headers: list[tuple[str, str | bytes | None]] = [*made.headers]
        while True:
            try:
                producer.produce(
                    self._topic.name, key=made.key, value=made.value, headers=headers, on_delivery=report
                )
            except BufferError:
                # The queue is full of earlier letters of this range: their acknowledgements make room.
                if producer.poll(self._ack_timeout_ms / 1000) == 0:
                    raise Retryable(f"cannot write to {self._topic.name}: nothing is acknowledged") from None
            else:
                return

    def _sorted(self, error: KafkaError) -> EtlError:
        doing = f"cannot write to {self._topic.name}"
        if error.code() in BEGIN_ANEW:
            return Retryable(f"{doing}: {error.str()}; begun anew")
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            return Fatal(
                f"{doing}: it does not take a letter of the size that the contract allows; set its "
                f"max.message.bytes to {self._topic.message_bytes_max} (`ugc migrate` does)"
            )
        return branch(error, doing)

    def _give_up(self, assignment: Assignment) -> None:
        with self._lock:
            box = self._boxes.pop(assignment, None)
        if box is not None:
            with suppress(KafkaException):
                box.producer.purge()


def configuration(
    settings: EtlSettings, topic: Topic, *, transactional_id: str, ack_timeout_ms: int
) -> dict[str, Any]:
    """librdkafka's settings for the letters of one partition."""
    return {
        **connection(settings),
        "acks": "all",
        "enable.idempotence": True,
        "transactional.id": transactional_id,
        "transaction.timeout.ms": max(TRANSACTION_TIMEOUT_MS, ack_timeout_ms),
        "partitioner": PARTITIONER,
        "compression.type": "lz4",
        "linger.ms": 5,
        "message.timeout.ms": ack_timeout_ms,
        "message.max.bytes": topic.message_bytes_max,
        "queue.buffering.max.messages": 20_000,
        "queue.buffering.max.kbytes": 65_536,
        "allow.auto.create.topics": False,
    }
