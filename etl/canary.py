"""Canaries: tiny records through every partition, so that freshness is measured and not guessed.

A canary is no event. When its range is stored and committed, everything that was accepted into the partition
before it is visible; the ledger keeps when it was sent.
"""

from collections.abc import Collection
from typing import Any

from confluent_kafka import KafkaException, Producer

from etl.assignment import Assignment
from etl.rows import CANARY_HEADER
from etl.settings import EtlSettings
from etl.source import connection
from telemetry.clock import Clock

# Long enough for a broker that answers; after that the next one is due.
DELIVERY_TIMEOUT_MS = 5_000
CANARIES_MAX = 10_000


class Canaries:
    """Sends one into each of our partitions every `interval_ms`; one that gets lost is no fault."""

    def __init__(self, producer: Producer, *, interval_ms: int, clock: Clock) -> None:
        self._producer = producer
        self._interval_s = interval_ms / 1000
        self._clock = clock
        self._sent_at: dict[Assignment, float] = {}

    def send_due(self, assignments: Collection[Assignment]) -> None:
        """Never waits."""
        if not self._interval_s:
            return
        now = self._clock.monotonic()
        due = [each for each in assignments if now - self._sent_at.get(each, -1e9) >= self._interval_s]
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
                    assignment.topic, value=b"", partition=assignment.partition, headers=headers
                )
            except (BufferError, KafkaException):
                break
        self._producer.poll(0)

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
