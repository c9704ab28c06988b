"""One suite for every event log; then what only Kafka can do wrong."""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from contract.wire import Record
from telemetry.health import NotReady
from ugc_api.event_log import EventLogError, LogUnavailable, Reason, RecordTooLarge
from ugc_api.kafka_log import KafkaEventLog
from ugc_api.producer_link import ProducerLimits

# A broker refuses records from more than an hour ahead of its clock.
RECEIVED_AT_MS = int(time.time() * 1000)


def record(number: int, value: bytes | None = None) -> Record:
    key = f"00000000-0000-7000-8000-{number:012d}".encode()
    return Record(key, value or b'{"n":%d}' % number, [("ugc-contract", b"1")], RECEIVED_AT_MS)


def test_what_was_appended_is_in_the_log_as_it_was(log_under_test: Any) -> None:
    records = [record(n) for n in range(200)]
    log_under_test.log.append(records)
    found = log_under_test.stored()
    assert sorted(found, key=lambda each: each.key) == records


def test_nothing_to_append_is_done_at_once(log_under_test: Any) -> None:
    log_under_test.log.append([])
    assert log_under_test.stored() == []


def test_requests_at_the_same_time_each_get_their_own_acknowledgements(log_under_test: Any) -> None:
    failed: list[EventLogError] = []

    def append(start: int) -> None:
        try:
            log_under_test.log.append([record(n) for n in range(start, start + 50)])
        except EventLogError as error:
            failed.append(error)

    threads = [threading.Thread(target=append, args=(n * 50,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len({each.key for each in log_under_test.stored()}) == 400


def test_a_record_too_large_for_the_topic_is_refused_as_such(log_under_test: Any) -> None:
    with pytest.raises(RecordTooLarge):
        log_under_test.log.append([record(1, b"x" * (log_under_test.topic.message_bytes_max + 1))])


def test_an_outage_is_said_in_time_and_passes_without_a_restart(log_under_test: Any, wait_for: Any) -> None:
    log = log_under_test.log
    with log_under_test.outage():
        started = time.monotonic()
        with pytest.raises(LogUnavailable) as caught:
            log.append([record(1)])
        assert time.monotonic() - started < 2.5, "the deadline of 2 s and half a second"
        assert caught.value.retry_after_s >= 1
        with pytest.raises(NotReady):
            log.check()
    took = wait_for(lambda: appended(log, record(2)), seconds=5)
    assert took <= 5
    # What was refused meanwhile may have arrived all the same; what was accepted must have.
    assert record(2) in log_under_test.stored()


def test_a_closed_log_takes_nothing(log_under_test: Any) -> None:
    log_under_test.log.append([record(1)])
    assert log_under_test.log.close() == 0
    with pytest.raises(LogUnavailable):
        log_under_test.log.append([record(2)])
    with pytest.raises(NotReady):
        log_under_test.log.check()
    assert log_under_test.stored() == [record(1)]


def appended(log: Any, one: Record) -> bool:
    try:
        log.append([one])
    except LogUnavailable:
        return False
    return True


def test_readiness_knows_of_an_outage_within_two_seconds(
    make_kafka_log: Any, mock_broker: str, pause: Any, wait_for: Any, ready: Any
) -> None:
    log = make_kafka_log()
    wait_for(lambda: ready(log), seconds=10)
    with pause(mock_broker):
        assert wait_for(lambda: not ready(log), seconds=2) <= 2
    assert wait_for(lambda: ready(log), seconds=5) <= 5


def test_a_long_outage_is_refused_at_once_instead_of_holding_threads(
    make_kafka_log: Any, mock_broker: str, pause: Any, wait_for: Any, ready: Any
) -> None:
    log = make_kafka_log()
    wait_for(lambda: ready(log), seconds=10)
    with pause(mock_broker):
        wait_for(lambda: refused_within(log, 0.05), seconds=4)
    wait_for(lambda: appended(log, record(1)), seconds=5)


def refused_within(log: KafkaEventLog, seconds: float) -> bool:
    started = time.monotonic()
    with pytest.raises(LogUnavailable):
        log.append([record(1)])
    return time.monotonic() - started < seconds


def test_nobody_home_from_the_start_is_not_ready_and_says_why(make_kafka_log: Any, wait_for: Any) -> None:
    log = make_kafka_log(bootstrap="127.0.0.1:1")
    wait_for(lambda: "does not answer" in not_ready(log), seconds=3)
    with pytest.raises(LogUnavailable) as caught:
        log.append([record(1)])
    assert caught.value.reason is Reason.BROKER_AWAY


def not_ready(log: KafkaEventLog) -> str:
    with pytest.raises(NotReady) as caught:
        log.check()
    return str(caught.value)


def test_a_full_queue_is_refused_and_memory_stays_bounded(
    make_kafka_log: Any, mock_broker: str, pause: Any
) -> None:
    limits = ProducerLimits(
        ack_deadline_ms=1_500, linger_ms=1, queue_messages_max=100, queue_kilobytes_max=1_024
    )
    log = make_kafka_log(limits=limits)
    with pause(mock_broker), pytest.raises(LogUnavailable) as caught:
        log.append([record(n) for n in range(1_000)])
    assert caught.value.reason is Reason.QUEUE_FULL


def test_closing_delivers_what_still_waits(make_kafka_log: Any, wait_for: Any, ready: Any) -> None:
    limits = ProducerLimits(
        ack_deadline_ms=3_000, linger_ms=1_000, queue_messages_max=100, queue_kilobytes_max=1_024
    )
    log = make_kafka_log(limits=limits)
    wait_for(lambda: ready(log), seconds=10)
    outcome: list[bool] = []
    sender = threading.Thread(target=lambda: outcome.append(appended(log, record(1))))
    sender.start()
    time.sleep(0.2)
    assert log.close() == 0
    sender.join()
    assert outcome == [True]


class DiesOnce:
    """Makes producers; the first one has the error that librdkafka never recovers from."""

    def __init__(self) -> None:
        self.made = 0

    def __call__(self, configuration: dict[str, Any]) -> Any:
        self.made += 1
        return Fatal(configuration) if self.made == 1 else Producer(configuration)


class Fatal(Producer):
    def produce(self, *_: Any, **__: Any) -> None:
        raise KafkaException(KafkaError(KafkaError._FATAL, "out of sequence", fatal=True))


def test_a_producer_that_broke_for_good_is_replaced(make_kafka_log: Any) -> None:
    make = DiesOnce()
    log = make_kafka_log(make_producer=make)
    with pytest.raises(LogUnavailable) as caught:
        log.append([record(1)])
    assert caught.value.reason is Reason.PRODUCER_BROKEN
    log.append([record(1)])
    assert make.made == 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (KafkaError._QUEUE_FULL, Reason.QUEUE_FULL),
        (KafkaError._MSG_TIMED_OUT, Reason.BROKER_AWAY),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, Reason.NOT_ALLOWED),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, Reason.TOPIC_MISSING),
        (KafkaError.NOT_ENOUGH_REPLICAS, Reason.BROKER_AWAY),
        (KafkaError.INVALID_RECORD, Reason.RECORD_REFUSED),
        (KafkaError._PURGE_QUEUE, Reason.PRODUCER_BROKEN),
    ],
)
def test_every_error_of_kafka_has_a_reason(make_kafka_log: Any, code: int, reason: Reason) -> None:
    class Refuses(Producer):
        def produce(self, *_: Any, **__: Any) -> None:
            raise KafkaException(KafkaError(code))

    with pytest.raises(LogUnavailable) as caught:
        make_kafka_log(make_producer=Refuses).append([record(1)])
    assert caught.value.reason is reason


def test_a_forked_process_gets_a_producer_of_its_own(make_kafka_log: Callable[..., KafkaEventLog]) -> None:
    log = make_kafka_log()
    log.append([record(1)])
    child = os.fork()
    if child == 0:
        # Whatever happens here must not run the parent's pytest: hence the bare exit.
        code = 1
        try:
            log.append([record(2)])
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    log.append([record(3)])
