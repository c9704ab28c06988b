"""Events whose id, user, value and day the test knows, and whose values floats add up exactly."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import orjson

from contract.events import Event
from contract.reading import read
from contract.wire import Arrival, Record, encode


def now() -> datetime:
    return datetime.now(UTC)


def an_id(random: Random, *, v7_share: float = 0.5) -> str:
    """A fresh id: UUIDv7 of now, or UUIDv4 as most clients make them."""
    if random.random() >= v7_share:
        return str(uuid.UUID(int=random.getrandbits(128), version=4))
    number = (int(now().timestamp() * 1000) << 80) | random.getrandbits(80)
    number = (number & ~(0xF << 76)) | (7 << 76)
    return str(uuid.UUID(int=(number & ~(0x3 << 62)) | (0x2 << 62)))


def event(random: Random, *, days_max: int = 3, users: int = 300, **changes: Any) -> dict[str, Any]:
    """A good event of the last `days_max` days, as a client sends it."""
    ago = timedelta(days=random.randrange(days_max), seconds=random.uniform(1, 3_000))
    return {
        "event_id": an_id(random),
        "occurred_at": (now() - ago).isoformat(timespec="milliseconds"),
        "user_id": f"user-{random.randrange(users)}",
        "event_type": random.choice(("click", "liked", "shared.link")),
        "properties": {"element": "play", "note": "ä" * random.randrange(20)},
        # Quarters add up exactly in any order.
        "value": random.randrange(400) / 4,
        **changes,
    }


def record(document: dict[str, Any]) -> Record:
    """What the collector writes into the log for it."""
    at = now()
    read_event = read(orjson.dumps(document), received_at=at)
    assert isinstance(read_event, Event), read_event
    return encode(read_event, Arrival(int(at.timestamp() * 1000), "198.51.100.0", "Firefox"))


def records(random: Random, count: int, **changes: Any) -> list[Record]:
    return [record(event(random, **changes)) for _ in range(count)]


def ids(those: list[Record]) -> Iterator[str]:
    return (each.key.decode() for each in those)
