"""A record counts as sent when the broker has said so, and not before."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from contract.topics import EVENTS
from ops.dlq.outbox import NotTaken, Outbox

RECORDS = [(b"k", b"one", []), (b"k", b"two", []), (None, None, [("h", None)])]


class Broker:
    """A producer and its broker: what it answers for each value. None takes it, ... stays silent."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.waiting: list[Any] = []

    def produce(self, _: str, *, value: bytes | None, on_delivery: Any, **__: Any) -> None:
        answer = self.answers.get((value or b"none").decode())
        if isinstance(answer, KafkaException):
            raise answer
        self.waiting.append((on_delivery, answer))

    def flush(self, _: float) -> int:
        silent = 0
        for report, answer in self.waiting:
            if answer is ...:
                silent += 1
            else:
                report(answer, None)
        self.waiting = []
        return silent


def sent(**answers: Any) -> set[int]:
    broker: Any = Broker(**answers)
    return Outbox("unused:1", EVENTS, make_producer=lambda _: broker).send(RECORDS)


def test_all_are_taken() -> None:
    assert sent() == set()


def test_one_that_is_never_taken_is_named_and_the_others_are_sent() -> None:
    too_large = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    assert sent(two=too_large) == {1}
    assert sent(two=KafkaException(too_large), none=too_large) == {1, 2}


@pytest.mark.parametrize(
    "answer",
    [KafkaError(KafkaError._MSG_TIMED_OUT), KafkaException(KafkaError(KafkaError._QUEUE_FULL)), ...],
    ids=["refused", "not even queued", "silent"],
)
def test_without_an_acknowledgement_nothing_is_said_to_be_sent(answer: Any) -> None:
    with pytest.raises(NotTaken, match="events does not take the records"):
        sent(one=answer)


def test_what_one_batch_was_told_is_not_held_against_the_next() -> None:
    broker: Any = Broker(
        one=KafkaError(KafkaError._MSG_TIMED_OUT), two=KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    )
    outbox = Outbox("unused:1", EVENTS, make_producer=lambda _: broker)
    with pytest.raises(NotTaken):
        outbox.send(RECORDS)
    broker.answers = {}
    assert outbox.send(RECORDS) == set()
