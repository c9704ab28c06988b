"""A request learns that its records were acknowledged: of all of them, once, with the first error."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, Message, Producer

from contract.topics import EVENTS
from contract.wire import Record
from ugc_api.producer_link import ProducerLimits, ProducerLink, Tally

NO_MESSAGE = cast(Message, None)


def test_it_is_complete_with_the_last_report_and_over_when_it_is_opened() -> None:
    complete: list[Tally] = []
    tally = Tally(2, complete)
    tally.report(None, NO_MESSAGE)
    assert (complete, tally.wait(0)) == ([], False)
    tally.report(None, NO_MESSAGE)
    assert (complete, tally.wait(0.001)) == ([tally], False)
    tally.open()
    assert tally.wait(0)
    assert tally.wait(0), "and stays so"
    assert tally.error is None


def test_nothing_expected_is_nothing_to_wait_for() -> None:
    assert Tally(0, []).wait(0)


def test_the_first_error_is_kept() -> None:
    tally = Tally(3, [])
    first, second = KafkaError(KafkaError._MSG_TIMED_OUT), KafkaError(KafkaError._ALL_BROKERS_DOWN)
    for error in (None, first, second):
        tally.report(error, NO_MESSAGE)
    assert tally.error is first


class Reporting:
    """A producer that reports when told to, in whatever thread polls it, all that it was given by then."""

    def __init__(self) -> None:
        self.reports: list[Callable[..., None]] = []
        self.told = threading.Event()
        self.open_at_reports: list[bool] = []
        self.tallies: list[Tally] = []

    def produce(self, *sent: Any) -> None:
        self.reports.append(sent[4])

    def poll(self, seconds: float) -> int:
        if not self.told.wait(seconds):
            return 0
        return self.flush(seconds)

    def flush(self, _: float) -> int:
        while self.reports:
            self.reports.pop()(None, None)
            self.open_at_reports += [tally.wait(0) for tally in self.tallies]
        return 0

    def __len__(self) -> int:
        return len(self.reports)


@pytest.fixture
def link() -> Any:
    producer = Reporting()
    made = ProducerLink(
        "", EVENTS, ProducerLimits(5_000, 5, 1_000, 1_024), lambda _: cast(Producer, producer)
    )
    yield made, producer
    made.close()


RECORDS = [Record(b"%d" % number, b"{}", [], 1) for number in range(3)]


def test_requests_are_woken_when_a_round_of_reports_is_over_and_not_within(link: Any) -> None:
    made, producer = link
    producer.tallies = [made.produce(RECORDS), made.produce(RECORDS[:1])]
    assert not producer.tallies[0].wait(0.01)
    producer.told.set()
    assert all(tally.wait(10) for tally in producer.tallies)
    assert producer.open_at_reports == [False] * 8


def test_what_is_reported_while_it_closes_wakes_too(link: Any) -> None:
    made, _ = link
    tally = made.produce(RECORDS)
    assert made.close() == 0
    assert tally.wait(0)
