"""A broker that answers and acknowledges nothing: no look at it tells, and not all who come wait for it."""

import threading
import time
import uuid
from typing import Any

import pytest
from confluent_kafka import KafkaError, Producer

from contract.wire import Record
from ugc_api.event_log import LogUnavailable


class Mute:
    """A producer whose broker falls silent: its records are lost, or given up by it after `gives_up_s`."""

    def __init__(self, configuration: dict[str, Any], gives_up_s: float | None) -> None:
        self._producer = Producer(configuration)
        self._gives_up_s = gives_up_s
        self.is_mute = False

    def produce(self, *record: Any) -> None:
        if not self.is_mute:
            self._producer.produce(*record)
        elif self._gives_up_s is not None:
            report, error = record[4], KafkaError(KafkaError._MSG_TIMED_OUT)
            threading.Timer(self._gives_up_s, report, (error, None)).start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def __len__(self) -> int:
        return len(self._producer)


def takes(log: Any) -> bool:
    record = Record(uuid.uuid4().bytes, b"{}", [("ugc-contract", b"1")], int(time.time() * 1000))
    try:
        log.append([record])
    except LogUnavailable:
        return False
    return True


@pytest.mark.parametrize("gives_up_s", [None, 1.5], ids=["no word of them", "given up by the producer"])
def test_one_request_waits_and_the_others_are_refused_at_once(
    gives_up_s: float | None, make_kafka_log: Any, wait_for: Any, ready: Any
) -> None:
    made: list[Mute] = []

    def make(configuration: dict[str, Any]) -> Mute:
        made.append(Mute(configuration, gives_up_s))
        return made[-1]

    log = make_kafka_log(make_producer=make)
    wait_for(lambda: takes(log), seconds=10)
    made[0].is_mute = True
    assert not takes(log)
    took_s: list[float] = []

    def ask() -> None:
        started = time.monotonic()
        assert not takes(log)
        took_s.append(time.monotonic() - started)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(took_s) == len(threads)
    assert sum(seconds > 1 for seconds in took_s) == 1, sorted(took_s)
    assert ready(log), "nothing that a look would tell"

    made[0].is_mute = False
    assert takes(log)
    assert all(takes(log) for _ in range(5))
