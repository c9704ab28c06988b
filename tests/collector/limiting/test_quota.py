"""The arithmetic of a bucket, against the textbook: a number of tokens that grows with time."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ugc_api.limiting.quota import NS_A_MINUTE, Quota, quota, seconds, take

LIMIT = quota("address", per_minute=6_000, burst=2_000)


class Textbook:
    """Tokens, refilled at every look; fractions, so nothing is rounded."""

    def __init__(self, limit: Quota, *, now_ns: int) -> None:
        self._limit = limit
        self._tokens = Fraction(limit.burst)
        self._at = now_ns

    def take(self, events: int, *, now_ns: int) -> bool:
        grown = Fraction(now_ns - self._at, self._limit.interval_ns)
        self._tokens = min(Fraction(self._limit.burst), self._tokens + grown)
        self._at = now_ns
        if events > self._tokens:
            return False
        self._tokens -= events
        return True

    @property
    def left(self) -> int:
        return int(self._tokens)


@given(
    per_minute=st.integers(1, 10**9),
    burst=st.integers(1, 10**7),
    # In parts of a burst and of the time it takes to fill, so that small and large meet.
    attempts=st.lists(st.tuples(st.fractions(0, 2), st.fractions(0, Fraction(5, 4))), max_size=30),
)
def test_it_decides_as_the_textbook_does(
    per_minute: int, burst: int, attempts: list[tuple[Fraction, Fraction]]
) -> None:
    limit = quota("address", per_minute=per_minute, burst=burst)
    now_ns, full_at_ns = 10**15, 0
    textbook = Textbook(limit, now_ns=now_ns)
    for pause, share in attempts:
        now_ns += int(pause * limit.capacity_ns)
        events = max(1, int(share * burst))
        taken = take(limit, full_at_ns, now_ns=now_ns, events=events)
        assert taken.allowed == textbook.take(events, now_ns=now_ns)
        assert taken.left == textbook.left
        if taken.allowed:
            full_at_ns = taken.full_at_ns
        elif events <= burst:
            at_last = now_ns + taken.wait_ns
            assert take(limit, full_at_ns, now_ns=at_last, events=events).allowed, "the wait is enough"
            assert not take(limit, full_at_ns, now_ns=at_last - 1, events=events).allowed, "and not too long"


@given(per_minute=st.integers(1, 10**9))
def test_never_more_than_was_promised(per_minute: int) -> None:
    interval_ns = quota("address", per_minute=per_minute, burst=1).interval_ns
    assert NS_A_MINUTE // interval_ns <= per_minute
    assert (interval_ns - 1) * per_minute < NS_A_MINUTE, "and as little less as whole nanoseconds allow"


def test_the_defaults_in_words() -> None:
    """2,000 at once, then one every 10 ms."""
    at_once = take(LIMIT, 0, now_ns=10**15, events=2_000)
    assert (at_once.allowed, at_once.left, at_once.wait_ns) == (True, 0, 10_000_000)
    refused = take(LIMIT, at_once.full_at_ns, now_ns=10**15, events=3)
    assert (refused.allowed, refused.left, refused.wait_ns) == (False, 0, 30_000_000)
    assert take(LIMIT, at_once.full_at_ns, now_ns=10**15 + 30_000_000, events=3).allowed


@given(back_ns=st.integers(0, 10**15))
def test_a_clock_that_goes_back_mints_nothing_and_locks_nobody_out(back_ns: int) -> None:
    now_ns = 2 * 10**15
    full_at_ns = take(LIMIT, 0, now_ns=now_ns, events=1_500).full_at_ns
    earlier = now_ns - back_ns
    assert not take(LIMIT, full_at_ns, now_ns=earlier, events=501).allowed
    refused = take(LIMIT, full_at_ns, now_ns=earlier, events=2_000)
    assert take(LIMIT, refused.full_at_ns, now_ns=earlier + LIMIT.capacity_ns, events=2_000).allowed


def test_the_policy_is_a_structured_field_with_whole_seconds() -> None:
    assert LIMIT.policy == '"address";q=2000;w=20;ugc-unit="events"'
    assert quota("key", per_minute=7, burst=1).policy.startswith('"key";q=1;w=9;')
    assert [seconds(ns) for ns in (0, 1, 10**9, 10**9 + 1)] == [0, 1, 1, 2]
