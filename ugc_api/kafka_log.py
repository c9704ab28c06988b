"""The event log on Kafka.

One producer a process, made at the first use in that process: librdkafka does not survive a fork. While
the broker is away, requests are refused at once instead of each holding a thread until its deadline; the
first answer of the broker opens the door again.
"""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from contract.topics import Topic
from contract.wire import Record
from telemetry.clock import Clock
from telemetry.health import NotReady
from telemetry.metrics import Metrics
from ugc_api.broker_watch import BrokerWatch
from ugc_api.event_log import EventLogError, LogUnavailable, Reason, RecordTooLarge
from ugc_api.producer_link import ProducerLimits, ProducerLink, Tally
from ugc_api.silence import Silence

# How often a waiting request looks whether the broker has been given up meanwhile.
RECONSIDER_S = 0.25

REASON_OF_ERROR: dict[int, Reason] = {
    KafkaError._MSG_TIMED_OUT: Reason.BROKER_AWAY,  # noqa: SLF001 - librdkafka's own names for its own errors
    KafkaError._ALL_BROKERS_DOWN: Reason.BROKER_AWAY,  # noqa: SLF001
    KafkaError._TRANSPORT: Reason.BROKER_AWAY,  # noqa: SLF001
    KafkaError._TIMED_OUT: Reason.BROKER_AWAY,  # noqa: SLF001
    KafkaError._QUEUE_FULL: Reason.QUEUE_FULL,  # noqa: SLF001
    KafkaError._FATAL: Reason.PRODUCER_BROKEN,  # noqa: SLF001
    KafkaError._PURGE_QUEUE: Reason.PRODUCER_BROKEN,  # noqa: SLF001
    KafkaError._PURGE_INFLIGHT: Reason.PRODUCER_BROKEN,  # noqa: SLF001
    KafkaError._UNKNOWN_TOPIC: Reason.TOPIC_MISSING,  # noqa: SLF001
    KafkaError._UNKNOWN_PARTITION: Reason.TOPIC_MISSING,  # noqa: SLF001
    KafkaError.UNKNOWN_TOPIC_OR_PART: Reason.TOPIC_MISSING,
    # The broker checks little of a record; most of all that its time is not an hour ahead of its own clock.
    KafkaError.INVALID_RECORD: Reason.RECORD_REFUSED,
    KafkaError.INVALID_TIMESTAMP: Reason.RECORD_REFUSED,
    KafkaError._AUTHENTICATION: Reason.NOT_ALLOWED,  # noqa: SLF001
    KafkaError.TOPIC_AUTHORIZATION_FAILED: Reason.NOT_ALLOWED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: Reason.NOT_ALLOWED,
    KafkaError.SASL_AUTHENTICATION_FAILED: Reason.NOT_ALLOWED,
}
TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


@dataclass(frozen=True, slots=True)
class _Session:
    """What belongs to one process and dies with it."""

    pid: int
    link: ProducerLink
    watch: BrokerWatch
    silence: Silence


class KafkaEventLog:
    """Appends to one topic, acks=all and idempotent. See `event_log.EventLog` for the guarantees.

    Bounded: `limits` caps the queue in messages and in kilobytes, and no call waits longer than
    `limits.ack_deadline_ms`.
    """

    def __init__(  # noqa: PLR0913 - every collaborator is handed in, by name
        self,
        *,
        bootstrap: str,
        topic: Topic,
        limits: ProducerLimits,
        clock: Clock,
        metrics: Metrics,
        make_producer: Callable[[dict[str, Any]], Producer] = Producer,
    ) -> None:
        self._bootstrap = bootstrap
        self._topic = topic
        self._limits = limits
        self._clock = clock
        self._metrics = metrics
        self._make_producer = make_producer
        self._lock = threading.Lock()
        self._session: _Session | None = None
        self._closed = False
        self._log = structlog.get_logger()

    def start(self) -> None:
        """Connect now, so that the first request does not pay for it; returns at once."""
        self._here()

    def append(self, records: Sequence[Record]) -> None:
        """Return after the broker acknowledged every record. Raises LogUnavailable or RecordTooLarge."""
        session = self._here()
        if session.watch.given_up:
            raise LogUnavailable(Reason.BROKER_AWAY, session.watch.message)
        asks = session.silence.enter()
        try:
            tally = self._handed_over(records, session)
            # The producer has its own copy; while it waits, a large request would hold two.
            del records
            self._wait(tally, session)
        finally:
            session.silence.leave(asks=asks)
        if tally.error is not None:
            raise self._classified(tally.error, session)
        session.watch.acknowledged()
        session.silence.ends()

    def check(self) -> None:
        """Raise NotReady unless the broker answered within the last look and the topic can be written."""
        try:
            session = self._here()
        except LogUnavailable as error:
            raise NotReady(str(error)) from None
        session.watch.check()

    def close(self) -> int:
        """Deliver what is queued, within a bound; the number of records that stayed behind.

        Those were never answered with a yes, so nothing that was promised is lost.
        """
        with self._lock:
            session, self._session, self._closed = self._session, None, True
        if session is None or session.pid != os.getpid():
            return 0
        session.watch.stop()
        remaining = session.link.close()
        self._log.info("event_log_closed", unacknowledged=remaining)
        return remaining

    def _handed_over(self, records: Sequence[Record], session: _Session) -> Tally:
        try:
            return session.link.produce(records)
        except BufferError:
            raise LogUnavailable(Reason.QUEUE_FULL, "too many events wait for the broker already") from None
        except KafkaException as error:
            raise self._classified(error.args[0], session) from None

    def _wait(self, tally: Tally, session: _Session) -> None:
        deadline = self._clock.monotonic() + self._limits.ack_deadline_ms / 1000
        while (remaining_s := deadline - self._clock.monotonic()) > 0:
            if tally.wait(min(remaining_s, RECONSIDER_S)):
                return
            if session.watch.given_up:
                raise LogUnavailable(Reason.BROKER_AWAY, session.watch.message)
        session.silence.begins()
        raise LogUnavailable(
            Reason.DEADLINE, f"the broker did not acknowledge within {self._limits.ack_deadline_ms} ms"
        )

    def _here(self) -> _Session:
        """The session of this very process."""
        session = self._session
        if session is not None and session.pid == os.getpid():
            return session
        with self._lock:
            if self._closed:
                raise LogUnavailable(Reason.CLOSED, "the collector is shutting down")
            if self._session is None or self._session.pid != os.getpid():
                self._session = self._open()
            return self._session

    def _open(self) -> _Session:
        link = ProducerLink(self._bootstrap, self._topic, self._limits, self._make_producer)
        queued = self._metrics.gauge("ugc_producer_queue_events")

        def look() -> None:
            # At every look, and not when it is asked for: another process may be the one that is asked.
            queued.set(link.queued())
            link.look()

        watch = BrokerWatch(look, clock=self._clock, up=self._metrics.gauge("ugc_broker_up"))
        watch.start()
        return _Session(os.getpid(), link, watch, Silence())

    def _classified(self, error: KafkaError, session: _Session) -> EventLogError:
        code = error.code()
        if code == KafkaError._MSG_TIMED_OUT:  # noqa: SLF001
            session.silence.begins()
        if code in TOO_LARGE:
            return RecordTooLarge(error.str())
        reason = REASON_OF_ERROR.get(code, Reason.BROKER_AWAY)
        if error.fatal() or reason is Reason.PRODUCER_BROKEN:
            reason = Reason.PRODUCER_BROKEN
            self._replace(session, error)
        return LogUnavailable(reason, f"the log did not take the events: {error.str()}")

    def _replace(self, broken: _Session, error: KafkaError) -> None:
        """A producer with a fatal error never delivers again; the next request gets a new one."""
        with self._lock:
            if self._session is not broken:
                return
            self._session = None
        self._log.error("producer_replaced", reason=error.str())
        broken.watch.stop()
        broken.link.abandon()
