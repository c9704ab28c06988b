"""A request learns that its records were acknowledged: of all of them, once, with the first error."""

import threading
from typing import Any, cast

from confluent_kafka import KafkaError, Message

from ugc_api.producer_link import Tally

NO_MESSAGE = cast(Message, None)


def test_it_is_over_with_the_last_report_and_stays_so() -> None:
    tally = Tally(2)
    assert not tally.wait(0)
    tally.report(None, NO_MESSAGE)
    assert not tally.wait(0.001)
    tally.report(None, NO_MESSAGE)
    assert tally.wait(0)
    assert tally.wait(0)
    assert tally.error is None


def test_nothing_expected_is_nothing_to_wait_for() -> None:
    assert Tally(0).wait(0)


def test_the_first_error_is_kept() -> None:
    tally = Tally(3)
    first, second = KafkaError(KafkaError._MSG_TIMED_OUT), KafkaError(KafkaError._ALL_BROKERS_DOWN)
    for error in (None, first, second):
        tally.report(error, NO_MESSAGE)
    assert tally.wait(0)
    assert tally.error is first


def test_who_waits_is_woken_by_another_thread() -> None:
    tally = Tally(100)
    waited: list[Any] = []
    waiting = threading.Thread(target=lambda: waited.append(tally.wait(10)))
    waiting.start()
    for _ in range(100):
        tally.report(None, NO_MESSAGE)
    waiting.join(10)
    assert waited == [True]
