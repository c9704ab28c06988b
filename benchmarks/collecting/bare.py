"""What a collector costs before it does anything of its own: two bare Flask routes on the collector's server.

POST /produce parses JSON, produces one record and answers when the broker has acknowledged it, through the
same settings of the producer. POST /echo parses JSON and answers. Neither looks at what was sent, counts,
logs or limits anything.
"""

import os
import threading

from confluent_kafka import KafkaError, Message, Producer
from flask import Flask, request

from contract.topics import EVENTS
from telemetry import logs
from telemetry.settings import load
from ugc_api.producer_link import POLL_S, ProducerLimits, configuration
from ugc_api.serve import serve
from ugc_api.settings import ApiSettings
from ugc_api.wsgi import Service

ECHO, PRODUCE = "/echo", "/produce"
ANSWER = {"accepted": 1}


def build(settings: ApiSettings) -> Service:
    """The two routes over a producer."""
    log = _Log(settings)
    app = Flask("bare", static_folder=None)

    def echo() -> tuple[dict[str, int], int]:
        request.get_json()
        return ANSWER, 202

    def produce() -> tuple[dict[str, int], int]:
        request.get_json()
        return ANSWER, 202 if log.append(request.get_data()) else 503

    app.add_url_rule(ECHO, "echo", echo, methods=["POST"])
    app.add_url_rule(PRODUCE, "produce", produce, methods=["POST"])
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
