"""Canaries: tiny records through every partition, so that freshness is measured and not guessed.

A canary is no event. When its range is stored and committed, everything that was accepted into the partition
before it is visible; the ledger keeps when it was sent. Where none is answered for a while, no broker is
there: a consumer that has read all there was would not notice.
"""

from collections.abc import Collection
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from etl.assignment import Assignment
from etl.kafka_client import connection
from etl.rows import CANARY_HEADER
from etl.settings import EtlSettings
from telemetry.clock import Clock
from telemetry.health import NotReady

# Long enough for a broker that answers; after that the next one is due.
DELIVERY_TIMEOUT_MS = 5_000
CANARIES_MAX = 10_000
# What the client says of itself when nobody answered; any other answer came from a broker.
UNANSWERED = frozenset(
    {KafkaError._MSG_TIMED_OUT, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._PURGE_QUEUE}  # noqa: SLF001
)


class Canaries:
    """Sends one into each of our partitions every `interval_ms`; one that gets lost is no fault."""

    def __init__(self, producer: Producer, *, interval_ms: int, clock: Clock) -> None:
        self._producer = producer
        self._interval_s = interval_ms / 1000
        self._clock = clock
        self._sent_at: dict[Assignment, float] = {}
        # When the oldest of those was sent since which no broker has said anything.
        self._unanswered_since: float | None = None

    def send_due(self, assignments: Collection[Assignment]) -> None:
        """Never waits."""
        if not self._interval_s:
            return
        self._producer.poll(0)
        if not assignments:
            # Nothing is sent that could be answered; that the group is lost is said elsewhere.
            self._unanswered_since = None
            return
        now, interval_s = self._clock.monotonic(), self._interval_s
        if self._unanswered_since is not None:
            # It is soon noticed that a broker is back, however rare canaries are.
            interval_s = min(interval_s, DELIVERY_TIMEOUT_MS / 1000)
        due = [each for each in assignments if now - self._sent_at.get(each, -1e9) >= interval_s]
        if not due:
            return
        self._sent_at = {each: at for each, at in self._sent_at.items() if each.current}
        headers: list[tuple[str, str | bytes | None]] = [
            (CANARY_HEADER, b"%d" % (self._clock.now().timestamp() * 1000))
        ]
        for assignment in due:
            self._sent_at[assignment] = now
            try:
                self._producer.produce(
                    assignment.topic,
                    value=b"",
                    partition=assignment.partition,
                    headers=headers,
                    on_delivery=self._delivered,
                )
            except (BufferError, KafkaException):
                break
            if self._unanswered_since is None:
                self._unanswered_since = now

    def check_answered(self, *, within_s: float) -> None:
        """Raise NotReady when no broker has answered for so long. Where none is sent, all is well."""
        since = self._unanswered_since
        silent_s = 0.0 if since is None else self._clock.monotonic() - since
        if silent_s > within_s:
            raise NotReady(f"no broker has taken a canary for {silent_s:.0f} s; is it up?")

    def _delivered(self, error: KafkaError | None, _: object) -> None:
        if error is None or error.code() not in UNANSWERED:
            self._unanswered_since = None

    def close(self) -> None:
        """Drop what is on its way."""
        self._producer.purge()
        self._producer.flush(0)


def configuration(settings: EtlSettings) -> dict[str, Any]:
    """librdkafka's settings for the canaries."""
    return {
        **connection(settings),
        "acks": "all",
        "linger.ms": 0,
        "message.timeout.ms": DELIVERY_TIMEOUT_MS,
        "queue.buffering.max.messages": CANARIES_MAX,
        "allow.auto.create.topics": False,
    }
