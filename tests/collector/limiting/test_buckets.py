"""The buckets of many senders in little memory: exact while there is room, stricter when there is none."""

import threading
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.clock import SystemClock
from ugc_api.limiting import memory
from ugc_api.limiting.buckets import SET, WAYS, Buckets
from ugc_api.limiting.quota import quota

LIMIT = quota("address", per_minute=6_000, burst=20)
NEVER_BACK = quota("address", per_minute=1, burst=5_000)
ONE_SET = 1


class OneEach:
    """The obvious way: a dictionary with a number of tokens a sender."""

    def __init__(self) -> None:
        self._tokens: dict[bytes, float] = {}
        self._at: dict[bytes, int] = {}

    def take(self, name: bytes, events: int, now_ns: int) -> bool:
        tokens = self._tokens.get(name, LIMIT.burst)
        grown = (now_ns - self._at.get(name, now_ns)) / LIMIT.interval_ns
        tokens = min(LIMIT.burst, tokens + grown)
        self._at[name] = now_ns
        allowed = events <= tokens
        self._tokens[name] = tokens - events if allowed else tokens
        return allowed


def on(clock: Any, *, sets: int) -> Buckets:
    return Buckets(memory.own(sets=sets), clock=clock)


class Ticks:
    """A clock in steps of 10 ms, exactly."""

    def __init__(self) -> None:
        self.ticks = 10**6

    def monotonic(self) -> float:
        return self.ticks / 100

    def sleep(self, _: float) -> None:
        raise AssertionError("nobody waits")

    def now(self) -> Any:
        raise AssertionError("the wall clock has no part in this")


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_while_there_is_room_every_sender_has_a_bucket_of_his_own(seed: int) -> None:
    clock, obvious, random = Ticks(), OneEach(), Random(seed)
    buckets = on(clock, sets=ONE_SET)
    for _ in range(200):
        clock.ticks += random.randrange(4)
        name, events = b"%d" % random.randrange(WAYS), random.randint(1, LIMIT.burst + 1)
        expected = obvious.take(name, events, int(clock.monotonic() * 1e9))
        assert buckets.take(LIMIT, name, events).allowed == expected


@given(seed=st.integers(0, 2**32))
@settings(max_examples=25)
def test_without_room_nobody_gets_more_than_a_bucket_of_his_own(seed: int) -> None:
    """20 senders in 8 slots: some are refused early, none is let in that his own bucket would refuse."""
    clock, obvious, random = Ticks(), OneEach(), Random(seed)
    buckets = on(clock, sets=ONE_SET)
    for _ in range(200):
        clock.ticks += random.randrange(2)
        name, events = b"%d" % random.randrange(20), random.randint(1, LIMIT.burst + 1)
        if buckets.take(LIMIT, name, events).allowed:
            assert obvious.take(name, events, int(clock.monotonic() * 1e9))


def test_a_flood_of_new_senders_sets_nobody_free(clock: Any) -> None:
    buckets = on(clock, sets=ONE_SET)
    assert buckets.take(LIMIT, b"spent", LIMIT.burst).allowed
    for number in range(2_000):
        buckets.take(LIMIT, b"new-%d" % number, 1)
        assert not buckets.take(LIMIT, b"spent", 1).allowed


def test_who_is_put_out_of_his_slot_finds_no_less_missing(clock: Any) -> None:
    buckets = on(clock, sets=ONE_SET)
    for number in range(WAYS + 1):
        assert buckets.take(LIMIT, b"%d" % number, 5).allowed
    # The ninth took over a slot with 5 missing; the one it was taken from finds the least missing: 5 again.
    assert not buckets.take(LIMIT, b"0", LIMIT.burst - 4).allowed
    assert buckets.take(LIMIT, b"0", LIMIT.burst - 5).allowed


def test_a_refused_newcomer_takes_nobodys_slot(clock: Any) -> None:
    buckets = on(clock, sets=ONE_SET)
    for number in range(WAYS):
        assert buckets.take(LIMIT, b"%d" % number, 10).allowed
    assert not buckets.take(LIMIT, b"new", 11).allowed
    assert buckets.take(LIMIT, b"0", 10).allowed


def test_however_many_senders_the_memory_stays_what_it_was(make_buckets: Callable[..., Buckets]) -> None:
    buckets = make_buckets(sets=256)
    size = len(buckets._memory.view)
    allowed = sum(buckets.take(LIMIT, number.to_bytes(4, "big"), 1).allowed for number in range(20_000))
    assert size == 256 * SET.size == len(buckets._memory.view)
    # 2,048 slots of 20 events each is all that could be given at one moment.
    assert 256 * WAYS < allowed <= 256 * WAYS * LIMIT.burst


def test_senders_are_spread_over_the_sets(clock: Any) -> None:
    """With a quarter of the slots in use, next to nobody meets a full set."""
    buckets = Buckets(memory.own(sets=1_024, random_bytes=lambda n: bytes(range(n))), clock=clock)
    senders = [number.to_bytes(4, "big") for number in range(1_024 * WAYS // 4)]
    for name in senders:
        buckets.take(LIMIT, name, LIMIT.burst)
    assert [name for name in senders if buckets.take(LIMIT, name, 1).allowed] == []
    late = [number.to_bytes(4, "big") for number in range(10**6, 10**6 + 1_000)]
    assert sum(buckets.take(LIMIT, name, 1).allowed for name in late) > 990


def test_what_was_taken_can_be_given_back(clock: Any) -> None:
    buckets = on(clock, sets=ONE_SET)
    buckets.take(LIMIT, b"a", LIMIT.burst)
    buckets.give_back(LIMIT, b"a", 7)
    buckets.give_back(LIMIT, b"nobody", 7)
    assert not buckets.take(LIMIT, b"a", 8).allowed
    assert buckets.take(LIMIT, b"a", 7).allowed
    clock.sleep(60)
    buckets.give_back(LIMIT, b"a", 7)
    assert not buckets.take(LIMIT, b"a", LIMIT.burst + 1).allowed, "a full bucket does not run over"


def test_a_clock_that_goes_back_locks_nobody_out_for_longer_than_a_bucket_takes(clock: Any) -> None:
    buckets = on(clock, sets=ONE_SET)
    for number in range(WAYS):
        buckets.take(LIMIT, b"%d" % number, 1)
    clock.ns -= 10**14
    for name in (b"0", b"new"):
        assert not buckets.take(LIMIT, name, 1).allowed, "nothing is minted"
    clock.ns += LIMIT.capacity_ns
    for name in (b"0", b"new"):
        assert buckets.take(LIMIT, name, 1).allowed


def test_threads_together_get_one_bucket() -> None:
    buckets = Buckets(memory.own(sets=ONE_SET), clock=SystemClock())
    allowed: list[int] = []

    def hammer() -> None:
        allowed.append(sum(buckets.take(NEVER_BACK, b"same", 1).allowed for _ in range(1_000)))

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == NEVER_BACK.burst
