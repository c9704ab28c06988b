"""A broker's whole life in small, for java to learn from: start, one topic, a few messages, a group, stop."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from embedded.broker.probe import serves
from embedded.supervisor import TETHER
from telemetry.clock import Clock

READY_WITHIN_S = 60
STOP_WITHIN_S = 120
MESSAGES = 200
TOPIC = "rehearsal"


def rehearse(command: Sequence[str], *, port: int, environment: dict[str, str], clock: Clock) -> None:
    """Run `command`, use the broker, stop it and wait until java has written what it learned.

    Tethered: if this process is killed meanwhile, the rehearsal ends too.
    """
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *command],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = clock.monotonic() + READY_WITHIN_S
        while process.poll() is None and clock.monotonic() < deadline:
            if serves(port):
                _use(f"127.0.0.1:{port}")
                break
            clock.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_WITHIN_S)
    finally:
        process.kill()
        process.wait()


def _use(bootstrap: str) -> None:
    client: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap, "log_level": 0}
    admin = AdminClient(client)
    admin.create_topics([NewTopic(TOPIC, 2, 1)])[TOPIC].result(10)
    producer = Producer({**client, "acks": "all", "enable.idempotence": True, "compression.type": "lz4"})
    for number in range(MESSAGES):
        producer.produce(TOPIC, str(number).encode() * 20)
    producer.flush(10)
    consumer = Consumer({**client, "group.id": TOPIC, "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    if consumer.consume(MESSAGES, 5):
        consumer.commit(asynchronous=False)
    consumer.close()
