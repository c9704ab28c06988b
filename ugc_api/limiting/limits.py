"""Who may send how much: what POST /events asks before it reads a body and again when it knows its events.

A request costs as many events as it carries, valid or not, stored or dry run, and one at least: that one is
taken before the body is read, so a request that turns out to be unreadable is not free, and a sender with
nothing left costs us no more than this look. A request that a limit refuses is charged nothing; one that is
answered 503 keeps its price, or an outage would be the moment at which anybody may send anything.

Every answer says how much is left (RateLimit and RateLimit-Policy, draft-ietf-httpapi-ratelimit-headers).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from flask import Response, after_this_request, g, request

from telemetry.metrics import Metrics
from telemetry.series import Counter
from ugc_api import security_headers
from ugc_api.addresses import network
from ugc_api.caller import Caller
from ugc_api.limiting.buckets import Buckets
from ugc_api.limiting.quota import Quota, quota, seconds
from ugc_api.problems import Problem, ProblemCode

ADDRESS = "address"
KEY = "key"
KEY_QUOTAS_REMEMBERED = 1_024


class RateLimits:
    """The limits of this service over the buckets of this host."""

    def __init__(self, buckets: Buckets, *, per_minute: int, burst: int, metrics: Metrics) -> None:
        """`per_minute` and `burst` are an address's; 0 a minute is no limit. A key brings its own."""
        self._buckets = buckets
        self._by_address = quota(ADDRESS, per_minute=per_minute, burst=burst) if per_minute else None
        self._limited = metrics.counter("ugc_events_limited_total")
        for name in (ADDRESS, KEY):
            self._limited.labels(name)

    def admit(self, caller: Caller) -> "Admission":
        """Take the first event of a request. Raises Problem(rate_limited) when there is none left."""
        held = self._limits_of(caller)
        admission = Admission(held, self._buckets, self._limited)
        if held:
            after_this_request(admission.say)
            admission.take(1, of=1)
        return admission

    def _limits_of(self, caller: Caller) -> "list[_Held]":
        held = []
        if self._by_address is not None:
            held.append(_Held(self._by_address, b"a" + network(caller.address)))
        if caller.per_minute is not None:
            held.append(_Held(_of_key(caller.per_minute), b"k" + caller.key_id.encode()))
        return held


@dataclass(slots=True)
class _Held:
    """One request's part in one bucket."""

    limit: Quota
    bucket: bytes
    charged: int = 0
    left: int | None = None  # None until it was asked
    wait_ns: int = 0


@dataclass(slots=True)
class Admission:
    """One request that was let in, and what it has been charged so far."""

    held: Sequence[_Held]
    buckets: Buckets
    limited: Counter

    def charge(self, events: int) -> None:
        """Take what `events` cost beyond the first. Raises Problem(rate_limited | batch_exceeds_burst)."""
        if events <= 1:
            return
        for each in self.held:
            if events > each.limit.burst:
                self._give_back()
                raise self._too_many(each, events)
        self.take(events - 1, of=events)

    def take(self, more: int, *, of: int) -> None:
        """Take `more` events out of every bucket, or none out of any. `of` is what the request has in all."""
        for each in self.held:
            taken = self.buckets.take(each.limit, each.bucket, more)
            each.left, each.wait_ns = taken.left, taken.wait_ns
            if not taken.allowed:
                self._give_back()
                raise self._none_left(each, of)
            each.charged += more

    def say(self, answer: Response) -> Response:
        """Tell the sender how he stands."""
        asked = [each for each in self.held if each.left is not None]
        policies = [each.limit.policy for each in asked]
        standing = [f'"{each.limit.name}";r={each.left};t={seconds(each.wait_ns)}' for each in asked]
        security_headers.say(
            request.environ, ("RateLimit-Policy", ", ".join(policies)), ("RateLimit", ", ".join(standing))
        )
        return answer

    def _give_back(self) -> None:
        for each in self.held:
            if each.charged:
                self.buckets.give_back(each.limit, each.bucket, each.charged)
                each.left = (each.left or 0) + each.charged
                each.charged = 0

    def _none_left(self, each: _Held, events: int) -> Problem:
        wait_s = seconds(each.wait_ns)
        return self._refusal(
            ProblemCode.RATE_LIMITED,
            f"{_whose(each.limit)}; {each.left or 0:,} are left now. Send the same again in {wait_s} s.",
            each.limit,
            events=events,
            retry_after_s=wait_s,
        )

    def _too_many(self, each: _Held, events: int) -> Problem:
        limit = each.limit
        missing_ns = (limit.burst - (each.left or 0)) * limit.interval_ns
        return self._refusal(
            ProblemCode.BATCH_EXCEEDS_BURST,
            f"{_whose(limit)}; this request has {events:,} events and can never be taken whole. "
            f"Split it into requests of at most {limit.burst:,} events.",
            limit,
            events=events,
            # Until then not even the largest piece is sure to be taken.
            retry_after_s=max(1, seconds(missing_ns)),
        )

    def _refusal(
        self, code: ProblemCode, detail: str, limit: Quota, *, events: int, retry_after_s: int
    ) -> Problem:
        self.limited.labels(limit.name).inc(events)
        g.line = {"limited": events, "limit": limit.name}
        return Problem(code, detail, retry_after_s=retry_after_s, limit=limit.name, limit_events=limit.burst)


def _whose(limit: Quota) -> str:
    return f"This {limit.name} may send {limit.per_minute:,} events a minute, {limit.burst:,} at once"


@lru_cache(maxsize=KEY_QUOTAS_REMEMBERED)
def _of_key(per_minute: int) -> Quota:
    """A key may send its minute's worth at once."""
    return quota(KEY, per_minute=per_minute, burst=per_minute)
