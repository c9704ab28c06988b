"""One producer, its one poll thread, and how a request learns that all its records were acknowledged."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contract.topics import PARTITIONER, Topic
from contract.wire import Record
from telemetry.health import NotReady

SYSLOG_CRITICAL = 2
POLL_S = 0.1
# Left to the partitioner.
ANY_PARTITION = -1
LOOK_S = 0.8
FLUSH_S_MAX = 2.0
# The producer gives a record up a little before the request does, so that the request learns the reason.
GIVE_UP_EARLIER_MS = 500


@dataclass(frozen=True, slots=True)
class ProducerLimits:
    """What bounds the producer."""

    ack_deadline_ms: int
    linger_ms: int
    queue_messages_max: int
    queue_kilobytes_max: int


class Tally:
    """Counts the acknowledgements of one request.

    Only one thread reports (the producer's poll thread), only one waits: the count needs no lock. The gate is
    one, held until it is opened after the last report: an Event would be a condition, two locks and a list
    for the same.
    """

    __slots__ = ("_complete", "_gate", "_left", "error")

    def __init__(self, expected: int, complete: "list[Tally]") -> None:
        """With its last report it goes to `complete`, for whoever opens the gates of those."""
        self._left = expected
        self._complete = complete
        self._gate = threading.Lock()
        self.error: KafkaError | None = None
        if expected:
            self._gate.acquire()

    def report(self, error: KafkaError | None, _: Message) -> None:
        """One delivery report; the first error is kept."""
        if error is not None and self.error is None:
            self.error = error
        self._left -= 1
        if self._left == 0:
            self._complete.append(self)

    def open(self) -> None:
        """Let the request go on."""
        self._gate.release()

    def wait(self, seconds: float) -> bool:
        """True when every report is in."""
        if not self._gate.acquire(timeout=seconds):
            return False
        self._gate.release()
        return True


class ProducerLink:
    """A running producer. It lives in the process that made it and is never handed across a fork."""

    def __init__(
        self,
        bootstrap: str,
        topic: Topic,
        limits: ProducerLimits,
        make_producer: Callable[[dict[str, Any]], Producer],
    ) -> None:
        self._topic = topic.name
        self._last_error = ""
        told = {"error_cb": self._heard_of, "logger": logging.getLogger("librdkafka")}
        self._producer = make_producer(configuration(bootstrap, topic, limits) | told)
        # The poll thread's own: requests whose last report has come, and who do not know it yet.
        self._complete: list[Tally] = []
        self._stopping = threading.Event()
        self._poller = threading.Thread(target=self._poll, name="kafka-poll", daemon=True)
        self._poller.start()

    def produce(self, records: Sequence[Record]) -> Tally:
        """Hand all records to the producer; each will be reported to the tally once.

        Raises BufferError when its queue is full and KafkaException when it refuses a record. Records
        handed over before that are delivered all the same.
        """
        tally = Tally(len(records), self._complete)
        # Its headers are typed as a list of more than ours holds; it writes nothing into them.
        produce: Any = self._producer.produce
        topic, report = self._topic, tally.report
        for record in records:
            # By position: names would cost a third of the call.
            produce(
                topic,
                record.value,
                record.key,
                ANY_PARTITION,
                report,
                None,
                record.timestamp_ms,
                record.headers,
            )
        return tally

    def look(self) -> None:
        """Ask the broker for the topic, for `LOOK_S` at most. Raises NotReady with what is wrong."""
        try:
            topic = self._producer.list_topics(self._topic, timeout=LOOK_S).topics[self._topic]
        except KafkaException as error:
            why = self._last_error or error.args[0].str()
            raise NotReady(f"the broker does not answer: {why}") from None
        self._last_error = ""
        if topic.error is not None:
            raise NotReady(f"the topic {self._topic} cannot be written: {topic.error.str()}")
        leaderless = sorted(number for number, part in topic.partitions.items() if part.leader < 0)
        if leaderless:
            raise NotReady(f"partitions {leaderless} of {self._topic} have no leader")

    def queued(self) -> int:
        """Records handed over and not yet acknowledged."""
        return len(self._producer)

    def close(self) -> int:
        """Deliver what is queued, for `FLUSH_S_MAX` at most; how many records stayed behind."""
        self._stopping.set()
        self._poller.join(FLUSH_S_MAX + 1)
        return len(self._producer)

    def abandon(self) -> None:
        """Give everything queued up: each request that waits for it hears so at once."""
        self._producer.purge(in_queue=True, in_flight=True, blocking=False)
        self._stopping.set()

    def _heard_of(self, error: KafkaError) -> None:
        """librdkafka's own view of an outage: which address, and what the connection said."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN:  # noqa: SLF001 - its own name for "and that was the last"
            self._last_error = error.str()

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(POLL_S)
            self._wake()
        # Here, not in close(): reports must go on coming from one thread only.
        for _ in range(round(FLUSH_S_MAX / POLL_S)):
            left = self._producer.flush(POLL_S)
            self._wake()
            if not left:
                return

    def _wake(self) -> None:
        """Let everybody go on whose records are acknowledged, all at once.

        Not at each report: who is woken by one wants the interpreter, which every report hands over and takes
        back, and both would wait for it as often as there are reports to come.
        """
        for tally in self._complete:
            tally.open()
        self._complete.clear()


def configuration(bootstrap: str, topic: Topic, limits: ProducerLimits) -> dict[str, Any]:
    """librdkafka's settings. Every producer of this topic must agree on the partitioner, or ids part ways."""
    return {
        "bootstrap.servers": bootstrap,
        "client.id": "ugc-api",
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": PARTITIONER,
        "compression.type": "lz4",
        "linger.ms": limits.linger_ms,
        "message.timeout.ms": limits.ack_deadline_ms - GIVE_UP_EARLIER_MS,
        "message.max.bytes": topic.message_bytes_max,
        "queue.buffering.max.messages": limits.queue_messages_max,
        "queue.buffering.max.kbytes": limits.queue_kilobytes_max,
        # A broker that takes the connection and never answers (stopped, swapped out) must not hold a
        # batch for the default minute; the retry is idempotent.
        "socket.timeout.ms": 3_000,
        "socket.keepalive.enable": True,
        "socket.nagle.disable": True,
        # After an outage the default back-off of 10 s would be most of the time we may take to return.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        # An outage is one line of ours (broker_away, with the reason), not one per attempt to connect.
        "log_level": SYSLOG_CRITICAL,
    }
