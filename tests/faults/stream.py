"""Records written straight into the log, one in five again, for tests that need no collector."""

import threading
from random import Random

from confluent_kafka import Producer
from faults import happenings
from faults.stand import Stand

from contract.topics import EVENTS, PARTITIONER
from contract.wire import Record


class Stream(threading.Thread):
    """About `records_per_s` until it is stopped. It outlives a broker that is away for a minute."""

    def __init__(self, stand: Stand, random: Random, *, records_per_s: int = 600) -> None:
        super().__init__(daemon=True)
        self._producer = Producer(
            {
                "bootstrap.servers": stand.settings.bootstrap(),
                "partitioner": PARTITIONER,
                "enable.idempotence": True,
                "linger.ms": 5,
                "log_level": 0,
            }
        )
        self._random = random
        self._a_beat = records_per_s // 20
        self._done = threading.Event()
        self.sent: list[Record] = []

    def run(self) -> None:
        while not self._done.wait(0.05):
            self.sent += happenings.records(self._random, self._a_beat)
            again = self._random.choices(self.sent, k=self._a_beat // 5)
            for record in (*self.sent[-self._a_beat :], *again):
                self._producer.produce(EVENTS.name, record.value, key=record.key, headers=record.headers)
            self._producer.poll(0)

    def stop(self) -> set[str]:
        """The ids of all that the log has acknowledged: everything that was sent."""
        self._done.set()
        self.join()
        assert self._producer.flush(60) == 0
        return set(happenings.ids(self.sent))
