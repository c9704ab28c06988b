"""Reading an event: the traps, what is kept, and that nothing ever raises."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.events import FIELDS, KNOWN_TYPES, Event
from contract.reading import read
from contract.refusals import Refusal, RefusalCode

RECEIVED_AT = datetime(2026, 1, 15, 12, tzinfo=UTC)
SENT = {
    "event_id": "0190c5a4-7c1e-7b1a-9a53-0242ac120002",
    "occurred_at": "2026-01-15T11:59:58.250Z",
    "user_id": "user-42",
    "event_type": "app_opened",
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
json_space = st.text(" \t\r\n", max_size=3)


def taken(**fields: Any) -> Event:
    event = read(json.dumps({**SENT, **fields}).encode(), received_at=RECEIVED_AT)
    assert isinstance(event, Event), event
    return event


def refused(raw: bytes) -> Refusal:
    refusal = read(raw, received_at=RECEIVED_AT)
    assert isinstance(refusal, Refusal), refusal
    return refusal


def spliced(name: str, value: str) -> bytes:
    """The valid event with one more member, written exactly so."""
    return json.dumps(SENT)[:-1].encode() + f', "{name}": {value}}}'.encode()


@given(value=json_values)
def test_any_json_is_an_event_or_a_refusal(value: Any) -> None:
    answer = read(json.dumps(value).encode(), received_at=RECEIVED_AT)
    assert isinstance(answer, Event | Refusal)


@given(
    event_type=st.sampled_from([*KNOWN_TYPES, "custom", "Bad"]),
    fields=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=12), json_values, max_size=4),
    properties=st.dictionaries(
        st.sampled_from(["element", "kind", "page", "dwell_ms", "film_id", "from", "filters", "product_id"]),
        json_values,
        max_size=4,
    ),
)
def test_any_fields_make_an_event_or_a_bounded_refusal(
    event_type: str, fields: dict[str, Any], properties: dict[str, Any]
) -> None:
    raw = json.dumps({**SENT, "event_type": event_type, "properties": properties, **fields}).encode()
    answer = read(raw, received_at=RECEIVED_AT)
    if isinstance(answer, Refusal):
        assert len(answer.message.encode()) < 1_000
        assert len(answer.pointer.encode()) < 1_000


@given(raw=st.binary(max_size=60))
def test_any_bytes_are_an_event_or_a_refusal(raw: bytes) -> None:
    assert isinstance(read(raw, received_at=RECEIVED_AT), Event | Refusal)
    assert isinstance(read(b'{"properties":' + raw + b"}", received_at=RECEIVED_AT), Event | Refusal)


@given(
    members=st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
            st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        ),
        max_size=6,
    ),
    space=json_space,
    ascii_only=st.booleans(),
)
def test_properties_are_kept_byte_for_byte(
    members: list[tuple[str, Any]], space: str, ascii_only: bool
) -> None:
    def dumped(value: Any) -> str:
        return json.dumps(value, ensure_ascii=ascii_only)

    # Repeated keys and odd spaces included; only line breaks between tokens become spaces.
    body = ",".join(f"{space}{dumped(key)}:{space}{dumped(value)}" for key, value in members)
    properties = "{" + body + "}"
    event = read(spliced("properties", properties), received_at=RECEIVED_AT)
    assert isinstance(event, Event)
    assert event.properties == properties.replace("\n", " ").replace("\r", " ").encode()


def test_nulls_dotted_and_repeated_keys_and_numbers_stay_as_they_came() -> None:
    properties = '{"a.b":1,"a":{"b":null},"twice":1,"twice":2,"wide":1.0e+2,"huge":1e999,"n":-0}'
    event = read(spliced("properties", properties), received_at=RECEIVED_AT)
    assert isinstance(event, Event)
    assert event.properties == properties.encode()


@pytest.mark.parametrize(
    "spelling",
    [
        "0190c5a4-7c1e-7b1a-9a53-0242ac120002",
        "0190C5A4-7C1E-7B1A-9A53-0242AC120002",
        "0190c5a47c1e7b1a9a530242ac120002",
        "{0190c5a4-7c1e-7b1a-9a53-0242ac120002}",
        "urn:uuid:0190c5a4-7c1e-7b1a-9a53-0242ac120002",
    ],
)
def test_every_spelling_of_a_uuid_is_the_same_event(spelling: str) -> None:
    assert taken(event_id=spelling).event_id == str(uuid.UUID(spelling)) == SENT["event_id"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(5, "5"), (-5, "-5"), (100.0, "100"), (-0.0, "0"), (2**64, str(2**64)), ("5 ", "5 "), ("\x00", "\x00")],
)
def test_an_integer_user_id_becomes_its_digits(sent: Any, kept: str) -> None:
    assert taken(user_id=sent).user_id == kept


@pytest.mark.parametrize("sent", [True, False, 1.5, 2.0**53 + 2, 1e300, None, [], {}, ""])
def test_other_user_ids_are_refused(sent: Any) -> None:
    assert refused(spliced("user_id", json.dumps(sent))).code == RefusalCode.BAD_USER_ID


@pytest.mark.parametrize(
    ("text", "since_noon_ms"),
    [
        ("2026-01-15T12:00:00Z", 0),
        ("2026-01-15t12:00:00z", 0),
        ("2026-01-15 12:00Z", 0),
        ("2026-01-15T12:00:00.1239Z", 123),
        ("2026-01-15T12:00:00.123999999999Z", 123),
        ("2026-01-15T12:00:00,5Z", 500),
        ("2026-01-15T14:00:00.123+02:00", 123),
        ("2026-01-15T17:45:00.123+0545", 123),
        ("2026-01-15T09:00:00.123-03", 123),
        ("2026-01-15T11:59:59.999Z", -1),
    ],
)
def test_times_are_cut_to_utc_milliseconds(text: str, since_noon_ms: int) -> None:
    noon_ms = round(RECEIVED_AT.timestamp() * 1000)
    assert taken(occurred_at=text).occurred_at_ms == noon_ms + since_noon_ms


@given(
    at=st.datetimes(datetime(2025, 12, 17), datetime(2026, 1, 15, 12)),  # noqa: DTZ001 - the zone comes next
    offset_minutes=st.integers(-1439, 1439),
)
def test_a_time_in_any_zone_is_floored(at: datetime, offset_minutes: int) -> None:
    aware = at.replace(tzinfo=UTC)
    text = aware.astimezone(timezone(timedelta(minutes=offset_minutes))).isoformat()
    assert taken(occurred_at=text).occurred_at_ms == (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        milliseconds=1
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1768478400",
        "1768478400.5",
        "2026-01-15",
        "2026-W03-4T12:00:00.000Z",
        "2026-W03-4T12:00:00Z",
        "20260115T120000Z",
        "2026-01-15T25:00:00Z",
        "2026-01-15T12:00:60Z",
        "2026-02-30T12:00:00.000Z",
        "2026-01-15T12:00:00Z ",
        "2026-01-15T12:00:00+03:00Z",
        "2026-01-15T12:00:00.000+24:00",
        "2026-01-15T12:00:00.000Z\n",
        "٢٠٢٦-01-15T12:00:00.000Z",
        "9" * 100_000,
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    refusal = refused(spliced("occurred_at", json.dumps(text)))
    assert (refusal.code, refusal.pointer) == (RefusalCode.BAD_TIMESTAMP, "/occurred_at")


@pytest.mark.parametrize("text", ["2026-01-15T12:00:00", "2026-01-15T12:00:00.123", "2026-01-15T12:00"])
def test_a_time_without_an_offset_has_its_own_code(text: str) -> None:
    assert refused(spliced("occurred_at", json.dumps(text))).code == RefusalCode.TIMESTAMP_WITHOUT_OFFSET


@pytest.mark.parametrize("occurred_at", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_do_not_overflow(occurred_at: str) -> None:
    assert refused(spliced("occurred_at", json.dumps(occurred_at))).pointer == "/occurred_at"
    assert taken(sent_at=occurred_at).skew_ms is not None


def test_skew_is_arrival_minus_sending() -> None:
    assert taken(sent_at="2026-01-15T11:59:59.750Z").skew_ms == 250
    assert taken(sent_at="2026-01-15T12:00:01Z").skew_ms == -1000
    assert taken(sent_at=None).skew_ms is None
    assert taken().skew_ms is None


def test_a_future_event_hears_the_measured_skew() -> None:
    ahead = {"occurred_at": "2026-01-15T13:00:00Z", "sent_at": "2026-01-15T13:00:02Z"}
    refusal = refused(json.dumps({**SENT, **ahead}).encode())
    assert refusal.code == RefusalCode.IN_THE_FUTURE
    assert "1 h" in refusal.message
    assert "-3602000" in refusal.message
    without = refused(spliced("occurred_at", '"2026-01-15T13:00:00Z"'))
    assert "-3600000" in without.message
    assert "sent_at" in without.message


def test_a_session_that_says_nothing_is_absent() -> None:
    assert taken(session_id=None).session_id is taken(session_id="").session_id is None
    assert taken(session_id="s").session_id == "s"


def test_the_first_fault_in_field_order_is_told_and_the_others_counted() -> None:
    bad = {"zz": 1, **SENT, "value": "5", "occurred_at": "2020-01-01T00:00:00Z", "properties": []}
    refusal = refused(json.dumps(bad).encode())
    assert (refusal.code, refusal.pointer) == (RefusalCode.TOO_OLD, "/occurred_at")
    assert refusal.message.endswith("(and 3 more problems)")


def test_a_thousand_unknown_fields_are_counted_not_told() -> None:
    many = b"{" + b",".join(b'"k%d":0' % n for n in range(1_000)) + b"}"
    refusal = refused(many)
    assert (refusal.code, refusal.pointer) == (RefusalCode.MISSING_FIELD, "/event_id")
    assert "1,003 more" in refusal.message


@pytest.mark.parametrize(
    ("name", "meant"),
    [("userId", "user_id"), ("timestamp", "occurred_at"), ("ocurred_at", "occurred_at"), ("VALUE", "value")],
)
def test_an_unknown_field_hears_what_it_was_meant_to_be(name: str, meant: str) -> None:
    refusal = refused(spliced(name, "1"))
    assert refusal.code == RefusalCode.UNKNOWN_FIELD
    assert f"did you mean {meant}?" in refusal.message
    assert "put it into properties" in refused(spliced("qqq", "1")).message


def test_a_pointer_never_carries_a_huge_key() -> None:
    refusal = refused(spliced("k" * 100_000, "1"))
    assert (refusal.code, refusal.pointer) == (RefusalCode.UNKNOWN_FIELD, "")
    assert len(refusal.message) < 300


@pytest.mark.parametrize("half", ["\\ud83d", "\\ude00", "\\ud83dx", "\\ud83d\\ud83d", "\\uD800\\u0041"])
def test_half_a_surrogate_pair_is_named_by_its_place(half: str) -> None:
    refusal = refused(spliced("properties", f'{{"a":[0,{{"b/c":"x{half}"}}]}}'))
    assert (refusal.code, refusal.pointer) == (RefusalCode.LONE_SURROGATE, "/properties/a/1/b~1c")
    as_key = refused(spliced("properties", f'{{"x{half}":1}}'))
    assert (as_key.code, as_key.pointer) == (RefusalCode.LONE_SURROGATE, "/properties")


@pytest.mark.parametrize("depth", [9, 100, 250, 900, 100_000])
def test_a_depth_bomb_is_too_deep_whatever_a_parser_would_say(depth: int) -> None:
    bomb = "[" * depth + "]" * depth
    assert refused(spliced("properties", f'{{"a":{bomb}}}')).code in (
        RefusalCode.PROPERTIES_TOO_DEEP,
        RefusalCode.PROPERTIES_TOO_LARGE,
    )
    assert refused(spliced("value", bomb)).code == RefusalCode.BAD_VALUE
    assert refused(spliced("zz", bomb)).code == RefusalCode.UNKNOWN_FIELD
    assert refused(spliced("event_type", bomb)).code == RefusalCode.BAD_EVENT_TYPE
    assert refused(bomb.encode()).code == RefusalCode.NOT_AN_OBJECT
    assert refused(spliced("zz", "[" * depth)).code == RefusalCode.INVALID_JSON


@pytest.mark.parametrize("number", ["1" * 5_000, "-" + "1" * 100_000])
def test_a_number_nobody_can_read_is_named(number: str) -> None:
    assert refused(spliced("user_id", number)).code == RefusalCode.NUMBER_TOO_LONG


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("field", ["value", "properties", "zz"])
def test_what_json_has_no_number_for_is_not_json(field: str, number: str) -> None:
    assert refused(spliced(field, number)).code == RefusalCode.INVALID_JSON
    assert refused(spliced(field, f'{{"a":{number}}}')).code == RefusalCode.INVALID_JSON


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    for broken in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80"):
        raw = json.dumps(SENT)[:-1].encode() + b',"properties":{"a":"' + broken + b'"}}'
        refusal = refused(raw)
        assert (refusal.code, refusal.pointer) == (RefusalCode.INVALID_JSON, "")
        assert "not UTF-8" in refusal.message


def test_numbers_beyond_a_float_are_refused_where_they_stand() -> None:
    assert refused(spliced("occurred_at", "1e999")).code == RefusalCode.BAD_TIMESTAMP
    assert refused(spliced("sent_at", "1e999")).pointer == "/sent_at"
    assert refused(spliced("user_id", "1e999")).code == RefusalCode.BAD_USER_ID
    assert refused(spliced("value", "1" * 400)).code == RefusalCode.BAD_VALUE
    assert refused(spliced("event_type", '["\\n", 1e999]')).code == RefusalCode.BAD_EVENT_TYPE


@pytest.mark.parametrize("name", FIELDS)
def test_of_a_repeated_field_the_last_counts_everywhere(name: str) -> None:
    whole = {**SENT, "properties": {}, "value": 1.0, "session_id": "s", "sent_at": SENT["occurred_at"]}
    whole["event_type"] = "click"
    whole["properties"] = {"element": "last"}
    first: dict[str, Any] = {"properties": {"other": 1}, "event_type": "custom"}
    twice = f'{{"{name}": {json.dumps(first.get(name))}, ' + json.dumps(whole)[1:]
    event = read(twice.encode(), received_at=RECEIVED_AT)
    assert event == read(json.dumps(whole).encode(), received_at=RECEIVED_AT)
    assert isinstance(event, Event)
    assert event.properties == b'{"element": "last"}'


def test_a_known_type_is_known_in_every_spelling() -> None:
    raw = json.dumps(SENT).replace("app_opened", "cl\\u0069ck").encode()
    assert refused(raw).pointer == "/properties"


@pytest.mark.parametrize("event_type", ["", "9a", "_a", ".a", "a b", "a-b", "é", "click\n", "a" * 65])
def test_what_is_no_name_is_no_type(event_type: str) -> None:
    assert refused(spliced("event_type", json.dumps(event_type))).code == RefusalCode.BAD_EVENT_TYPE


def cpu_s(raws: list[bytes]) -> float:
    started = time.thread_time()
    for raw in raws:
        read(raw, received_at=RECEIVED_AT)
    return time.thread_time() - started


def test_reading_stays_within_a_few_times_of_parsing() -> None:
    raws = [json.dumps({**SENT, "event_id": str(uuid.UUID(int=n))}).encode() for n in range(2_000)]

    def parsing_s() -> float:
        started = time.thread_time()
        for raw in raws:
            json.loads(raw)
        return time.thread_time() - started

    ratio = min(cpu_s(raws) for _ in range(5)) / min(parsing_s() for _ in range(5))
    assert ratio < 12, f"reading costs {ratio:.1f} times json.loads"


def test_a_hostile_event_costs_no_more_by_the_byte_than_its_size() -> None:
    def bomb(pairs: int) -> bytes:
        return b'{"zz":' + b"[" * 2_000 + b"[]," * pairs + b"1" + b"]" * 2_000 + b"}"

    small = min(cpu_s([bomb(20_000)]) for _ in range(3))
    large = min(cpu_s([bomb(160_000)]) for _ in range(3))
    assert large / small < 8 * 3, "reading is not linear any more"
