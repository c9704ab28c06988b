"""The codec: what is written is read back, for ever, and nothing else is."""

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import limits, wire
from contract.events import Event
from contract.topics import DEAD, EVENTS, PARTITIONER, TOPICS
from contract.wire import Arrival, Undecodable, UndecodableReason, WireEvent

GOLDEN = sorted((Path(__file__).parent / "golden" / "v1").glob("*.json"))
HEADERS = list(wire.HEADERS)
EVENT = Event(
    event_id="0190c5a4-7c1e-7b1a-9a53-0242ac120002",
    occurred_at_ms=1_768_478_399_123,
    user_id="user-42",
    event_type="click",
    properties=b'{"element":"play"}',
    value=1.5,
    session_id="s-1",
    skew_ms=-250,
)
ARRIVAL = Arrival(1_768_478_400_000, "203.0.113.0", "firefox", ("user_agent",))
VALUE = (
    b'{"event_id":"0190c5a4-7c1e-7b1a-9a53-0242ac120002","occurred_at":"2026-01-15T11:59:59.123Z",'
    b'"user_id":"user-42","event_type":"click","value":1.5,"session_id":"s-1","skew_ms":-250,'
    b'"received_at":"2026-01-15T12:00:00.000Z","ip":"203.0.113.0","user_agent_family":"firefox",'
    b'"bot_reasons":["user_agent"],"properties":{"element":"play"}}'
)
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128)
instants = st.integers(-62_135_596_800_000, 253_402_300_799_999)
events = st.builds(
    Event,
    event_id=st.uuids().map(str),
    occurred_at_ms=instants,
    user_id=text,
    event_type=st.from_regex(r"[a-z][a-z0-9_.]{0,63}", fullmatch=True),
    properties=st.dictionaries(text, st.none() | st.integers() | text, max_size=4).map(
        lambda properties: json.dumps(properties, ensure_ascii=False).encode()
    ),
    value=st.floats(allow_nan=False, allow_infinity=False),
    session_id=st.none() | text,
    skew_ms=st.none() | st.integers(-(2**63), 2**63 - 1),
)
short = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
arrivals = st.builds(Arrival, instants, short, short, st.lists(short, max_size=16).map(tuple))


@given(event=events, arrival=arrivals)
def test_what_is_written_is_read_back(event: Event, arrival: Arrival) -> None:
    record = wire.encode(event, arrival)
    read = wire.decode(record.value, record.headers)
    assert (read.event, read.arrival) == (event, arrival)
    assert b"\n" not in record.value
    assert record.key == record.value[wire.EVENT_ID] == event.event_id.encode()
    assert record.value[wire.OCCURRED_AT] == wire.instant(event.occurred_at_ms).encode()
    assert record.timestamp_ms == arrival.received_at_ms
    assert wire.encode(read.event, read.arrival) == record


def test_events_together_are_written_as_each_alone() -> None:
    first, second = (
        Event(f"{n:08x}-7c1e-7b1a-9a53-0242ac120002", n, "u", "a", b'{"n":1}', 0.5, None, n) for n in (0, 9)
    )
    odd = Arrival(1_768_478_400_123, 'a"\\', "é", ("one", "two"))
    assert wire.encode_all([first, second], odd) == [wire.encode(first, odd), wire.encode(second, odd)]
    assert wire.encode_all([], odd) == []


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_768_478_459_007, "2026-01-15T12:00:59.007Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_has_always_all_its_digits(at_ms: int, text: str) -> None:
    assert wire.instant(at_ms) == text


def test_the_bytes_are_these() -> None:
    record = wire.encode(EVENT, ARRIVAL)
    assert record.value == VALUE
    assert record.headers == [("ugc-contract", b"1")]


def test_records_share_no_list_of_headers() -> None:
    wire.encode(EVENT, ARRIVAL).headers.append(("trace", b"1"))
    assert wire.encode(EVENT, ARRIVAL).headers == HEADERS


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_was_ever_written_is_read_and_written_alike_for_ever(path: Path) -> None:
    value = path.read_bytes().removesuffix(b"\n")
    read = wire.decode(value, HEADERS)
    assert wire.encode(read.event, read.arrival).value == value


def test_there_are_golden_records() -> None:
    assert len(GOLDEN) >= 6


def test_members_may_stand_in_any_order_and_headers_beside_ours() -> None:
    turned = json.dumps(dict(reversed(json.loads(VALUE).items())), separators=(",", ":")).encode()
    read = wire.decode(turned, [("trace", None), *HEADERS])
    assert read == wire.decode(VALUE, HEADERS)
    assert isinstance(read, WireEvent)


def undecodable(value: bytes | None, headers: Any = HEADERS) -> UndecodableReason:
    with pytest.raises(Undecodable) as caught:
        wire.decode(value, headers)
    assert caught.value.message
    assert len(caught.value.message) < 300
    return caught.value.reason_code


def changed(**members: Any) -> bytes:
    return json.dumps({**json.loads(VALUE), **members}).encode()


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (None, UndecodableReason.VERSION_MISSING),
        ([], UndecodableReason.VERSION_MISSING),
        ([("ugc-contract", None)], UndecodableReason.VERSION_MISSING),
        ([("other", b"1")], UndecodableReason.VERSION_MISSING),
        ([("ugc-contract", b"2")], UndecodableReason.VERSION_UNKNOWN),
        ([("ugc-contract", b"")], UndecodableReason.VERSION_UNKNOWN),
        ([("ugc-contract", b"01")], UndecodableReason.VERSION_UNKNOWN),
        ([("ugc-contract", b"x" * 100_000)], UndecodableReason.VERSION_UNKNOWN),
    ],
)
def test_another_version_is_not_guessed_at(headers: Any, reason: UndecodableReason) -> None:
    assert undecodable(VALUE, headers) == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, UndecodableReason.TOMBSTONE),
        (b"", UndecodableReason.NOT_JSON),
        (b"\x00", UndecodableReason.NOT_JSON),
        (VALUE[:-1], UndecodableReason.NOT_JSON),
        (VALUE + b"{}", UndecodableReason.NOT_JSON),
        (VALUE.replace(b'"play"', b'"\xff"'), UndecodableReason.NOT_JSON),
        (VALUE.replace(b'"play"', b'"\\ud800"'), UndecodableReason.NOT_JSON),
        (b"[]", UndecodableReason.WRONG_SHAPE),
        (b"{}", UndecodableReason.WRONG_SHAPE),
        (VALUE.replace(b',"properties"', b',\n"properties"'), UndecodableReason.WRONG_SHAPE),
        (VALUE.replace(b'"play"', b"[" * 9 + b"]" * 9), UndecodableReason.WRONG_SHAPE),
        (VALUE.replace(b'"play"', b"[" * 9_000 + b"]" * 9_000), UndecodableReason.WRONG_SHAPE),
        (VALUE.replace(b'"play"', b'"' + b"x" * 70_000 + b'"'), UndecodableReason.TOO_LARGE),
        (VALUE.replace(b"1.5", b"1e999"), UndecodableReason.WRONG_SHAPE),
        (changed(more=1), UndecodableReason.WRONG_SHAPE),
        (changed(event_id="0190C5A4-7C1E-7B1A-9A53-0242AC120002"), UndecodableReason.WRONG_SHAPE),
        (changed(event_id="0190c5a4-7c1e-7b1a-9a53-0242ac120002\n"), UndecodableReason.WRONG_SHAPE),
        (changed(event_type="click\n"), UndecodableReason.WRONG_SHAPE),
        (changed(event_type=""), UndecodableReason.WRONG_SHAPE),
        (changed(occurred_at="2026-01-15T11:59:59Z"), UndecodableReason.WRONG_SHAPE),
        (changed(occurred_at="2026-13-15T11:59:59.123Z"), UndecodableReason.WRONG_SHAPE),
        (changed(occurred_at=1), UndecodableReason.WRONG_SHAPE),
        (changed(received_at="2026-01-15T11:59:59.123+00:00"), UndecodableReason.WRONG_SHAPE),
        (changed(user_id=""), UndecodableReason.WRONG_SHAPE),
        (changed(user_id=5), UndecodableReason.WRONG_SHAPE),
        (changed(user_id="x" * 129), UndecodableReason.WRONG_SHAPE),
        (changed(value="1"), UndecodableReason.WRONG_SHAPE),
        (changed(value=True), UndecodableReason.WRONG_SHAPE),
        (changed(session_id=None), UndecodableReason.WRONG_SHAPE),
        (changed(skew_ms=2**63), UndecodableReason.WRONG_SHAPE),
        (changed(skew_ms=1.5), UndecodableReason.WRONG_SHAPE),
        (changed(bot_reasons="x"), UndecodableReason.WRONG_SHAPE),
        (changed(bot_reasons=["x"] * 17), UndecodableReason.WRONG_SHAPE),
        (changed(properties="{}"), UndecodableReason.WRONG_SHAPE),
        (changed(properties=None), UndecodableReason.WRONG_SHAPE),
        (changed(properties=[]), UndecodableReason.WRONG_SHAPE),
    ],
)
def test_poison_has_a_reason(value: bytes | None, reason: UndecodableReason) -> None:
    assert undecodable(value) == reason


@pytest.mark.parametrize("name", list(json.loads(VALUE)))
def test_every_member_is_required(name: str) -> None:
    members = json.loads(VALUE)
    del members[name]
    assert undecodable(json.dumps(members).encode()) == UndecodableReason.WRONG_SHAPE


@given(value=st.binary(max_size=40))
def test_any_bytes_are_an_event_or_undecodable(value: bytes) -> None:
    assert undecodable(value) in UndecodableReason
    at = len(value) * 7 % len(VALUE)
    with suppress(Undecodable):
        wire.decode(VALUE[:at] + value + VALUE[at + 1 :], HEADERS)


def test_every_reason_has_a_meaning() -> None:
    assert set(wire.UNDECODABLE_MEANINGS) == set(UndecodableReason)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_json_cannot_say_what_is_not_finite(value: float) -> None:
    with pytest.raises(ValueError, match="JSON cannot say"):
        wire.encode(msgspec.structs.replace(EVENT, value=value), ARRIVAL)


def test_the_largest_event_fits_into_a_record_and_a_record_into_a_batch() -> None:
    worst = "\x01" * 128
    frame = len(b'{"x":""}')
    event = msgspec.structs.replace(
        EVENT,
        user_id=worst,
        session_id=worst,
        event_type="a" * 64,
        properties=b'{"x":"' + b"x" * (limits.PROPERTIES_BYTES_MAX - frame) + b'"}',
    )
    reasons = ("\x01" * limits.BOT_REASON_CHARS_MAX,) * limits.BOT_REASONS_MAX
    arrival = Arrival(0, worst[: limits.IP_CHARS_MAX], worst[: limits.USER_AGENT_FAMILY_CHARS_MAX], reasons)
    record = wire.encode(event, arrival)
    assert len(record.value) <= limits.RECORD_BYTES_MAX < EVENTS.message_bytes_max
    assert wire.decode(record.value, record.headers).event == event


@pytest.mark.parametrize(
    ("ip", "family", "reasons"),
    [("x" * 65, "", ()), ("", "x" * 65, ()), ("", "", ("x",) * 17), ("", "", ("x" * 65,))],
)
def test_an_arrival_is_bounded(ip: str, family: str, reasons: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="at most"):
        Arrival(0, ip, family, reasons)


def test_topics_are_what_deduplication_rests_on() -> None:
    assert (EVENTS.name, EVENTS.partitions) == ("events", 4)
    assert DEAD.name == "events.dead"
    assert TOPICS == (EVENTS, DEAD)
    assert PARTITIONER == "murmur2_random"
    # A dead letter carries any record of the log, with room for its story.
    assert DEAD.message_bytes_max > EVENTS.message_bytes_max
