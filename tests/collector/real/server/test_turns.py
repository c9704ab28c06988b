"""How much is worked on at once: what a body is made into takes several times as much memory as it."""

import gzip
from types import SimpleNamespace
from typing import Any

import pytest

from ugc_api.server.incoming import Incoming, Stage
from ugc_api.server.turns import WORKED_ON_BYTES_MAX, Turns

MIB = 2**20


def connections(*weights: int) -> list[Any]:
    return [SimpleNamespace(weight=weight) for weight in weights]


def test_light_ones_are_given_out_at_once() -> None:
    given: list[Any] = []
    turns, all_of_them = Turns(given.append), connections(*[2_000] * 1_000)
    for each in all_of_them:
        turns.wait(each)
    assert given == all_of_them


def test_heavy_ones_wait_for_those_before_them_and_keep_their_order() -> None:
    given: list[Any] = []
    turns, heavy = Turns(given.append), connections(*[MIB] * 20, 1_000)
    at_once = WORKED_ON_BYTES_MAX // MIB
    for each in heavy:
        turns.wait(each)
    assert given == heavy[:at_once]
    for number, each in enumerate(heavy):
        turns.done(each)
        assert given[: at_once + number + 1] == heavy[: at_once + number + 1]
    assert given == heavy


def test_one_that_is_too_heavy_for_all_is_worked_on_alone() -> None:
    given: list[Any] = []
    turns, (light, giant, other) = Turns(given.append), connections(1, 10 * WORKED_ON_BYTES_MAX, 1)
    for each in (light, giant, other):
        turns.wait(each)
    assert given == [light]
    turns.done(light)
    assert given == [light, giant]
    turns.done(giant)
    assert given == [light, giant, other]


@pytest.mark.parametrize(("plain_bytes", "at_least"), [(MIB, MIB), (200, 200)])
def test_what_is_packed_weighs_what_it_may_come_to(plain_bytes: int, at_least: int) -> None:
    packed = gzip.compress(bytes(range(200)) * (plain_bytes // 200))
    head = b"POST /events HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed)
    incoming = Incoming(body_bytes_max=MIB)
    assert incoming.add(head + packed) is Stage.WHOLE
    assert min(at_least, 32 * len(head + packed)) <= incoming.weight() <= MIB
    assert incoming.weight() > len(incoming.data)
    as_it_is = Incoming(body_bytes_max=MIB)
    as_it_is.add(head.replace(b"Content-Encoding: gzip", b"X: y") + packed)
    assert as_it_is.weight() == len(as_it_is.data)
