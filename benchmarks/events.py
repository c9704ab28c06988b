"""Events out of a seed: as JSON bodies for the collector, and as records for the log.

The same seed and the same end of time make the same events, and the generator knows what a right answer
is: so many different ids, so many different users by day. Every event is valid by the contract, of the six
known types and one custom, some 360 bytes in the log. They come in the order in which they happened, give
or take `JITTER_MS`, as clients' events do.

They are not those of `ugc generate`, whose people have habits, and get new ones: a yardstick's bytes stay.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Literal

from contract.events import Event
from contract.wire import HEADERS, OCCURRED_AT, Arrival, Record, encode, instant

Ids = Literal["uuid7", "uuid4"]
SPREAD_MS = 60 * 60 * 1000
JITTER_MS = 2_000
ARRIVAL_IP = "203.0.113.0"
FAMILY = "Firefox"

# Properties of each type; %d is a number out of the seed. Value is money or points.
SHAPES: tuple[tuple[str, str], ...] = (
    ("click", '{"element":"button-%d","target":"/films/%d"}'),
    ("page_view", '{"page":"/films/%d","kind":"film","dwell_ms":%d}'),
    ("video_quality_changed", '{"film_id":%d,"from":"720p","to":"1080p","at_s":%d}'),
    ("video_completed", '{"film_id":%d,"watched_ms":%d}'),
    ("search_filter_applied", '{"filters":{"genre":"drama-%d"},"results":%d}'),
    ("purchase", '{"product_id":"product-%d","basket":%d}'),
    ("playlist.shared", '{"playlist":"list-%d","members":%d}'),
)
VALUES = (0.0, 0.0, 0.0, 1.5, 19.99)
NUMBER_MAX = 9_999
ENCODED = 5_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Which events: `users` people, times in the hour that ends at `ends_at_ms`, ids of one version."""

    seed: int
    users: int
    ends_at_ms: int
    ids: Ids = "uuid7"
    spread_ms: int = SPREAD_MS


@dataclass(slots=True)
class Known:
    """What the generator knows of all it has made: a right warehouse says the same."""

    events: int = 0
    users_by_day: dict[date, set[str]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Count one event; each has an id of its own."""
        self.events += 1
        day = datetime.fromtimestamp(event.occurred_at_ms / 1000, UTC).date()
        self.users_by_day.setdefault(day, set()).add(event.user_id)

    @property
    def dau(self) -> dict[date, int]:
        """Different users by day of UTC."""
        return {day: len(users) for day, users in sorted(self.users_by_day.items())}


def events(plan: Plan, count: int) -> Iterator[Event]:
    """So many events. Users come in turn, so `count` ≥ `users` means that each of them came."""
    rng = random.Random(plan.seed)  # noqa: S311 - repeatable, not secret
    begins_at_ms = plan.ends_at_ms - plan.spread_ms
    for number in range(count):
        bits = rng.getrandbits(160)
        # The jitter never reaches beyond the end: an event of the future would be refused.
        occurred_at_ms = begins_at_ms + number * plan.spread_ms // count - (bits & 0xFFFFFFFF) % JITTER_MS
        bits >>= 32
        event_type, properties = SHAPES[bits % len(SHAPES)]
        user = number % plan.users
        yield Event(
            event_id(plan.ids, occurred_at_ms, bits),
            occurred_at_ms,
            f"user-{user:06d}",
            event_type,
            (properties % (bits % NUMBER_MAX, (bits >> 16) % NUMBER_MAX)).encode(),
            VALUES[(bits >> 8) % len(VALUES)],
            f"s-{user:06d}",
            None,
        )


def event_id(ids: Ids, at_ms: int, bits: int) -> str:
    """A UUID as RFC 9562 lays it out: version 7 begins with its time, version 4 is random throughout."""
    if ids == "uuid7":
        value = (at_ms & 0xFFFFFFFFFFFF) << 80 | 0x7 << 76 | (bits & 0xFFF) << 64
    else:
        value = (bits >> 32 & 0xFFFFFFFFFFFF) << 80 | 0x4 << 76 | (bits & 0xFFF) << 64
    text = f"{value | 0b10 << 62 | (bits >> 66 & (1 << 62) - 1):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def as_json(event: Event) -> bytes:
    """The event as a client sends it."""
    return (
        f'{{"event_id":"{event.event_id}","occurred_at":"{instant(event.occurred_at_ms)}",'
        f'"user_id":"{event.user_id}","event_type":"{event.event_type}","value":{event.value},'
        f'"session_id":"{event.session_id}","properties":{event.properties.decode()}}}'
    ).encode()


def bodies(plan: Plan, count: int, *, a_request: int, known: Known) -> list[bytes]:
    """`count` events as JSON arrays of `a_request` each; what is in them is added to `known`."""
    made: list[bytes] = []
    batch: list[bytes] = []
    for event in events(plan, count):
        known.add(event)
        batch.append(as_json(event))
        if len(batch) == a_request:
            made.append(b"[" + b",".join(batch) + b"]")
            batch = []
    if batch:
        made.append(b"[" + b",".join(batch) + b"]")
    return made


def records(plan: Plan, count: int) -> Iterator[Record]:
    """`count` records for the log, as the collector would have written them."""
    for event in events(plan, count):
        yield encode(event, Arrival(event.occurred_at_ms, ARRIVAL_IP, FAMILY))


def restamped(plan: Plan, count: int) -> Iterator[Record]:
    """`count` records in a fraction of the time: some events through the codec, each again and again under
    another id and time, which the codec writes at fixed places. Times in order, without jitter."""
    templates = [_after_time(each) for each in records(replace(plan, spread_ms=1), min(count, ENCODED))]
    rng = random.Random(plan.seed + 1)  # noqa: S311 - repeatable, not secret
    begins_at_ms = plan.ends_at_ms - plan.spread_ms
    headers = list(HEADERS)
    for number in range(count):
        at_ms = begins_at_ms + number * plan.spread_ms // count
        id_ = event_id(plan.ids, at_ms, rng.getrandbits(128)).encode()
        yield Record(id_, stamped(templates[number % len(templates)], id_, at_ms), headers, at_ms)


def stamped(after_time: bytes, id_: bytes, at_ms: int) -> bytes:
    """A record's value with this id and time; `after_time` is what stands behind the time."""
    return b'{"event_id":"%b","occurred_at":"%b%b' % (id_, _instant(at_ms), after_time)


def _after_time(record: Record) -> bytes:
    return record.value[OCCURRED_AT.stop :]


@lru_cache(maxsize=1024)
def _instant(at_ms: int) -> bytes:
    return instant(at_ms).encode()
