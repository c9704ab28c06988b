"""The token bucket, as arithmetic on one number: the moment at which the bucket will be full again.

A bucket that is full by now is a bucket nobody has heard of, so nothing needs to be stored for it. Sending
moves the moment into the future, by the time each event takes to come back; a request that would move it
further than a whole bucket away is refused and moves nothing. All in whole nanoseconds: no rounding adds up.
"""

from dataclasses import dataclass
from typing import NamedTuple

NS_A_SECOND = 1_000_000_000
NS_A_MINUTE = 60 * NS_A_SECOND


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit: so many events at once, and one more every `interval_ns`."""

    name: str
    per_minute: int
    burst: int
    interval_ns: int
    capacity_ns: int
    policy: str  # its item of the RateLimit-Policy header


class Taken(NamedTuple):
    """What became of one attempt to take events out of a bucket."""

    allowed: bool
    full_at_ns: int
    left: int  # whole events
    wait_ns: int  # until one more event is there; when refused, until all that was asked for is


def quota(name: str, *, per_minute: int, burst: int) -> Quota:
    """The limit in the units of the arithmetic. Both numbers are 1 or more."""
    # Rounded up: never more than was promised.
    interval_ns = -(-NS_A_MINUTE // per_minute)
    capacity_ns = burst * interval_ns
    window_s = seconds(capacity_ns)
    policy = f'"{name}";q={burst};w={window_s};ugc-unit="events"'
    return Quota(name, per_minute, burst, interval_ns, capacity_ns, policy)


def take(limit: Quota, full_at_ns: int, *, now_ns: int, events: int) -> Taken:
    """Take `events` out of the bucket that is full at `full_at_ns`.

    A moment further away than an empty bucket can be was written under another clock or another setting: it
    counts as empty. So a clock that goes back gives nothing away, and locks nobody out for longer than one
    bucket takes to fill.
    """
    missing_ns = min(max(full_at_ns - now_ns, 0), limit.capacity_ns)
    wanted_ns = missing_ns + events * limit.interval_ns
    spare_ns = limit.capacity_ns - wanted_ns
    if spare_ns < 0:
        left = (limit.capacity_ns - missing_ns) // limit.interval_ns
        return Taken(False, now_ns + missing_ns, left, -spare_ns)
    left, part_ns = divmod(spare_ns, limit.interval_ns)
    return Taken(True, now_ns + wanted_ns, left, limit.interval_ns - part_ns)


def seconds(ns: int) -> int:
    """Whole seconds, rounded up: whoever waits that long has waited long enough."""
    return -(-ns // NS_A_SECOND)
