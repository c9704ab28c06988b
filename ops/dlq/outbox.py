"""Send records to a topic as the collector does, and know of each whether it is there."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from contract.topics import Topic
from telemetry.errors import OperatorError
from ugc_api.producer_link import ProducerLimits, configuration

ACK_DEADLINE_MS: Final = 15_000
RECORDS_MAX: Final = 1_000
LIMITS: Final = ProducerLimits(
    ack_deadline_ms=ACK_DEADLINE_MS,
    linger_ms=5,
    queue_messages_max=2 * RECORDS_MAX,
    queue_kilobytes_max=16_384,
)

Outgoing = tuple[bytes | None, bytes | None, Sequence[tuple[str, bytes | None]]]


class NotTaken(OperatorError):  # noqa: N818 - what happened, said to a person
    """The broker does not take records now; some of a batch may be there."""


class Outbox:
    """A topic to send to. Its producer is the collector's: with another way to place a key, copies of an
    event would never meet in one partition."""

    def __init__(
        self,
        bootstrap: str,
        topic: Topic,
        *,
        make_producer: Callable[[dict[str, Any]], Producer] = Producer,
    ) -> None:
        self._topic = topic.name
        quiet = {"client.id": "ugc-dlq", "log_level": 0}
        self._producer = make_producer(configuration(bootstrap, topic, LIMITS) | quiet)
        self._too_large: set[int] = set()
        self._errors: list[KafkaError] = []

    def send(self, records: Sequence[Outgoing]) -> set[int]:
        """Return when each of at most `RECORDS_MAX` is acknowledged; the numbers of those that are larger
        than the topic takes, ever. Raises NotTaken when the broker does not take the others now."""
        self._too_large, self._errors = set(), []
        for number, record in enumerate(records):
            self._hand_over(number, record)
        left = self._producer.flush(ACK_DEADLINE_MS / 1000 + 5)
        if self._errors or left:
            why = self._errors[0].str() if self._errors else "no answer in time"
            raise NotTaken(f"{self._topic} does not take the records: {why}")
        return self._too_large

    def _hand_over(self, number: int, record: Outgoing) -> None:
        def report(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self._note(number, error)

        key, value, headers = record
        told: list[tuple[str, str | bytes | None]] = [*headers]
        try:
            self._producer.produce(self._topic, value=value, key=key, headers=told, on_delivery=report)
        except KafkaException as error:
            self._note(number, error.args[0])

    def _note(self, number: int, error: KafkaError) -> None:
        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
            self._too_large.add(number)
        else:
            self._errors.append(error)
