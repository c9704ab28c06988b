"""Clients of the collector: they send, send again what was not answered, and keep the ledger."""

import http.client
import threading
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import orjson
from faults import happenings
from faults.truth import Ledger, Said

CLIENT_TIMEOUT_S = 12
RESENT_SHARE = 0.2
ALTERED_SHARE = 0.3
GIVEN_UP_SHARE = 0.3
REMEMBERED_MAX = 20_000


def key_of(document: dict[str, Any]) -> bytes:
    return UUID(document["event_id"]).bytes


def said_by(document: dict[str, Any]) -> Said:
    return Said(
        int(document["user_id"].removeprefix("user-")),
        int(document["value"] * 4),
        document["occurred_at"][:10],
    )


@dataclass
class Counts:
    """What clients saw."""

    requests: int = 0
    answered_202: int = 0
    refused_503: int = 0
    cut_off: int = 0
    resent: int = 0
    altered: int = 0
    other: list[str] = field(default_factory=list)


class Traffic:
    """Several clients at once, each sending batches one after the other until told to stop."""

    def __init__(
        self, port: int, *, seed: int, clients: int = 3, events_per_s: float = 1_000, days_max: int = 3
    ) -> None:
        self.ledger = Ledger()
        self.counts = Counts()
        self.days_max = days_max
        self._port = port
        self._pause_s = clients * 30 / events_per_s
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._abandon = threading.Event()
        self._acknowledged: list[dict[str, Any]] = []
        self._threads = [
            threading.Thread(target=self._client, args=(Random(f"{seed}-{number}"),), daemon=True)
            for number in range(clients)
        ]

    def start(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self, *, within_s: float = 60) -> Ledger:
        """No new events; return when every batch was answered or given up."""
        self._stopping.set()
        deadline = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        self._abandon.set()
        for thread in self._threads:
            thread.join(CLIENT_TIMEOUT_S + 5)
            assert not thread.is_alive(), "a client hangs"
        return self.ledger

    def _client(self, random: Random) -> None:
        connection = self._connect()
        while not self._stopping.is_set():
            started = time.monotonic()
            batch = self._batch(random)
            given_up_after = random.randrange(3) if random.random() < GIVEN_UP_SHARE else None
            tries = 0
            while not self._sent(connection, batch):
                tries += 1
                if self._abandon.is_set() or (given_up_after is not None and tries > given_up_after):
                    break
                time.sleep(random.uniform(0.05, 0.4))
            time.sleep(max(0.0, self._pause_s - (time.monotonic() - started)))
        connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=CLIENT_TIMEOUT_S)

    def _batch(self, random: Random) -> list[dict[str, Any]]:
        """New events and, one in five, events that were acknowledged before: as they were or altered."""
        fresh = [happenings.event(random, days_max=self.days_max) for _ in range(random.randrange(1, 48))]
        again = []
        with self._lock:
            known = self._acknowledged
            if known:
                again = random.choices(known, k=sum(random.random() < RESENT_SHARE for _ in fresh))
        for document in again:
            altered = random.random() < ALTERED_SHARE
            self.counts.resent += 1
            self.counts.altered += altered
            fresh.append(self._altered(random, document) if altered else document)
        return fresh

    def _altered(self, random: Random, document: dict[str, Any]) -> dict[str, Any]:
        other = happenings.event(random, days_max=self.days_max)
        changed = random.sample(["occurred_at", "user_id", "value", "properties"], k=random.randrange(1, 4))
        return {**document, **{name: other[name] for name in changed}}

    def _sent(self, connection: http.client.HTTPConnection, batch: list[dict[str, Any]]) -> bool:
        """Whether it was answered 202. Whatever else happens, its new events may be stored or not."""
        with self._lock:
            self.counts.requests += 1
            for document in batch:
                if key_of(document) not in self.ledger.acknowledged:
                    self.ledger.unknown.add(key_of(document))
        try:
            connection.request("POST", "/events", orjson.dumps(batch), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            self.counts.cut_off += 1
            return False
        if answer.status != 202:
            self.counts.refused_503 += answer.status == 503
            if answer.status != 503:
                self.counts.other.append(f"{answer.status} {body[:200]!r}")
            return False
        self._note(batch, orjson.loads(body))
        return True

    def _note(self, batch: list[dict[str, Any]], answer: dict[str, Any]) -> None:
        with self._lock:
            self.counts.answered_202 += 1
            for document, verdict in zip(batch, answer["results"], strict=True):
                if verdict["status"] == "rejected":
                    self.counts.other.append(f"rejected: {verdict}")
                    continue
                key = key_of(document)
                if key in self.ledger.acknowledged:
                    continue
                self.ledger.acknowledged[key] = said_by(document)
                self.ledger.unknown.discard(key)
                self._acknowledged.append(document)
            # Old ones stay in by chance: a re-send may come minutes later.
            if len(self._acknowledged) > REMEMBERED_MAX:
                del self._acknowledged[1::2]
