"""What a collector costs before it does anything of its own: bare Flask routes on the collector's server.

POST /produce parses JSON, produces one record and answers when the broker has acknowledged it, through the
same settings of the producer. POST /each does so for every event of an array, as cheaply as is known here:
what is left is the least that many events may cost. POST /echo parses JSON and answers. None looks at what
was sent, counts, logs or limits anything.
"""

import os
import threading

import msgspec
from confluent_kafka import KafkaError, Message, Producer
from flask import Flask, request

from contract.topics import EVENTS
from telemetry import logs
from telemetry.settings import load
from ugc_api.producer_link import POLL_S, ProducerLimits, configuration
from ugc_api.serve import serve
from ugc_api.settings import ApiSettings
from ugc_api.wsgi import Service

ECHO, PRODUCE, EACH = "/echo", "/produce", "/each"
ANSWER = {"accepted": 1}
KEY_BYTES = 16
# Reads all of the JSON and makes nothing of it.
PIECES = msgspec.json.Decoder(list[msgspec.Raw])


def build(settings: ApiSettings) -> Service:
    """The routes over a producer."""
    log = _Log(settings)
    app = Flask("bare", static_folder=None)

    def echo() -> tuple[dict[str, int], int]:
        request.get_json()
        return ANSWER, 202

    def produce() -> tuple[dict[str, int], int]:
        request.get_json()
        return ANSWER, 202 if log.append(request.get_data()) else 503

    def each() -> tuple[dict[str, int], int]:
        events = PIECES.decode(request.get_data())
        return {"accepted": len(events)}, 202 if log.append_each([bytes(event) for event in events]) else 503

    app.add_url_rule(ECHO, "echo", echo, methods=["POST"])
    app.add_url_rule(PRODUCE, "produce", produce, methods=["POST"])
    app.add_url_rule(EACH, "each", each, methods=["POST"])
    return Service(app, log.close)


class _Log:
    """A producer as anybody would write one: a poll thread, and an event that a request waits for."""

    def __init__(self, settings: ApiSettings) -> None:
        limits = ProducerLimits(
            ack_deadline_ms=settings.ack_deadline_ms,
            linger_ms=settings.producer_linger_ms,
            queue_messages_max=settings.producer_queue_messages_max,
            queue_kilobytes_max=settings.producer_queue_kilobytes_max,
        )
        self._wait_max_s = settings.ack_deadline_ms / 1000
        self._producer = Producer(configuration(settings.bootstrap(), EVENTS, limits))
        self._stopping = threading.Event()
        threading.Thread(target=self._poll, name="kafka-poll", daemon=True).start()

    def append(self, body: bytes) -> bool:
        """Whether the broker acknowledged it."""
        came = threading.Event()
        failed: list[KafkaError] = []

        def report(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failed.append(error)
            came.set()

        self._producer.produce(EVENTS.name, body, key=os.urandom(16), on_delivery=report)
        return came.wait(self._wait_max_s) and not failed

    def append_each(self, values: list[bytes]) -> bool:
        """Whether the broker acknowledged all of them."""
        came = threading.Event()
        failed: list[KafkaError] = []
        left = len(values)
        keys = os.urandom(KEY_BYTES * left)

        def report(error: KafkaError | None, _: Message) -> None:
            nonlocal left
            if error is not None:
                failed.append(error)
            left -= 1
            if not left:
                came.set()

        produce = self._producer.produce
        for number, value in enumerate(values):
            # By position, which is cheaper: left to the partitioner, and reported.
            produce(EVENTS.name, value, keys[number * KEY_BYTES : (number + 1) * KEY_BYTES], -1, report)
        return came.wait(self._wait_max_s) and not failed

    def close(self) -> int:
        """Deliver what is queued; how many records stayed behind."""
        self._stopping.set()
        return self._producer.flush(self._wait_max_s)

    def _poll(self) -> None:
        while not self._stopping.is_set():
            self._producer.poll(POLL_S)


if __name__ == "__main__":
    logs.configure(process="bare", level="warning")
    serve(load(ApiSettings), build=build)
