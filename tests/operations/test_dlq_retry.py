"""A dead letter's way back, through the whole running stack: retried twice it counts once."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer
from services import LocalStack, until

from contract.events import Event
from contract.topics import EVENTS, PARTITIONER
from contract.wire import Arrival, encode
from telemetry.clock import SystemClock

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

NOW_MS = int(SystemClock().now().timestamp() * 1000)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    made = LocalStack(tmp_path_factory.mktemp("stack") / "data")
    made.start()
    yield made
    made.stop()


def dlq(stack: LocalStack, *arguments: str) -> Any:
    return json.loads(stack.ugc("dlq", *arguments, "--json").stdout)


def record_of(user: str) -> Any:
    event = Event(str(uuid.uuid4()), NOW_MS, user, "click", b'{"element":"play"}', 0.0, None, None)
    return encode(event, Arrival(NOW_MS, "192.0.2.0", "Firefox", ()))


def put(stack: LocalStack, topic: str, **record: Any) -> None:
    bootstrap = f"127.0.0.1:{stack.environment['UGC_KAFKA_PORT']}"
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": PARTITIONER})
    producer.produce(topic, **record)
    assert producer.flush(10) == 0


def counts(stack: LocalStack, user: str) -> str:
    return stack.query(f"SELECT count(), uniqExact(event_id) FROM events_raw WHERE user_id = '{user}'")


def letters(stack: LocalStack, count: int) -> list[Any]:
    def listed() -> Any:
        document = dlq(stack, "list")
        return document["newest"] if document["letters"] == count else None

    return list(until(listed, within_s=30, what=f"{count} letters"))


def test_a_letter_of_a_good_event_retried_twice_is_one_row(stack: LocalStack) -> None:
    made = record_of("back-again")
    headers = {
        "ugc-contract": b"1",
        "ugc-dead-headers": b"1",
        "ugc-dead-reason": b"version_unknown",
        "ugc-dead-message": b"a release before did not read it",
        "ugc-dead-topic": EVENTS.name.encode(),
        "ugc-dead-timestamp-ms": str(NOW_MS).encode(),
        "ugc-dead-first-seen-at": SystemClock().now().isoformat().encode(),
        "ugc-dead-key": made.key,
    }
    put(stack, "events.dead", key=b"older-topic:0:1", value=made.value, headers=list(headers.items()))
    letters(stack, 1)
    for _ in range(2):
        assert dlq(stack, "retry", "older-topic:0:1")["sent_again"] == 1
    until(lambda: counts(stack, "back-again") == "1\t1", within_s=30, what="the row")
    # Something sent after both copies, in their partition: when it is there, they have been looked at.
    put(stack, EVENTS.name, key=made.key, value=b"after them")
    letters(stack, 1)
    assert counts(stack, "back-again") == "1\t1"
    dlq(stack, "discard", "--all")


def test_a_bad_record_retried_dies_again_under_a_new_id_that_names_the_first(stack: LocalStack) -> None:
    put(stack, EVENTS.name, key=b"k", value=b"\xff foreign", headers=[("mine", b"\x00")])
    (first,) = letters(stack, 1)
    assert (first["reason"], first["retry_of"]) == ("version_missing", None)
    dlq(stack, "retry", first["id"])
    (again,) = letters(stack, 1)
    assert again["id"] != first["id"]
    assert again["retry_of"] == first["id"]
    assert dlq(stack, "show", first["id"])["state"] == "retried"
    shown = dlq(stack, "show", again["id"])
    assert [each["name"] for each in shown["headers"]] == ["mine", "ugc-retry-of"]
    assert dlq(stack, "discard", again["id"])["discarded"] == 1
    assert dlq(stack, "list")["letters"] == 0


def test_canaries_are_no_letters(stack: LocalStack) -> None:
    canaries = "SELECT sum(canaries) > 0 FROM ranges_moved"
    until(lambda: stack.query(canaries) in ("1", "true"), within_s=30, what="a canary stored")
    assert dlq(stack, "list", "--settled")["not_letters"] == 0
    assert not any(
        each["reason"] == "version_missing" and each["value_bytes"] == 0
        for each in dlq(stack, "list")["newest"]
    )
