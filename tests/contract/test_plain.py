"""The short way of reading takes nothing that the models would not take, and makes the same event of it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import limits, plain
from contract.events import KNOWN_TYPES
from contract.plain import read_plain
from contract.reading import judged
from contract.wire import instant

RECEIVED_AT_MS = round(datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp() * 1000)
FIELDS = {
    "event_id": '"0190c5a4-7c1e-7b1a-9a53-0242ac120002"',
    "occurred_at": '"2026-01-15T11:59:58.250Z"',
    "user_id": '"user-42"',
    "value": "19.99",
    "session_id": '"visit-1"',
    "sent_at": '"2026-01-15T11:59:59.000Z"',
}
# Of each type, every property it knows and one it does not.
PROPERTIES: dict[str, dict[str, str]] = {
    "click": {"element": '"play"', "kind": '"film"', "target": '"/films/7"', "country": '"NL"'},
    "page_view": {"page": '"/"', "kind": '"promo"', "dwell_ms": "100", "n": "1"},
    "video_quality_changed": {"film_id": "7", "from": '"720p"', "to": '"1080p"', "n": "1"},
    "video_completed": {"film_id": '"seven"', "duration_ms": "0", "watched_ms": "5", "n": "1"},
    "search_filter_applied": {"filters": '{"genre":[1,{}]}', "n": "1"},
    "purchase": {"product_id": "9", "quantity": "1", "n": "1"},
    "app.opened": {"a": '{"b":null}', "n": "1"},
}
TEXTS = [
    *("", "x", "7", "film", "promo", "café", "a\nb", "\x00", "\x7f", "😀", "x" * 129, "é" * 128, "é" * 129),
    *("x" * limits.PROPERTY_TEXT_CHARS_MAX, "x" * (limits.PROPERTY_TEXT_CHARS_MAX + 1)),
    *("0190C5A4-7c1e-7b1a-9a53-0242ac120002", "0190c5a4-7c1e-7b1a-9a53-0242ac120002\n", "{0190}"),
    *("2026-01-15T11:59:58.250z", "2026-01-15T11:59:58,250Z", "2026-01-15t11:59:58.250Z"),
    *("2026-01-15T115958.250000Z", "2026-01-15T115958.25000Z", "2026-W03-4T11:59:58.250Z"),
    *("2026-01-15T11:59:58+00:0Z", "2026-01-15T11:59:60.000Z", "2026-01-15T24:00:00.000Z"),
    *("٢٠٢٦-01-15T11:59:58.250Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"),
]
SPELT = [
    *(
        "null",
        "true",
        "0",
        "-0",
        "1",
        "-1",
        "1.0",
        "1e2",
        "1E-2",
        "1.5",
        "1e308",
        "1e309",
        "1e-400",
        "01",
        "1.",
    ),
    *("-", "+1", ".5", "NaN", "Infinity", "9007199254740991", "9007199254740992", "9007199254740993"),
    *(
        "18446744073709551615",
        "18446744073709551616",
        "1" + "0" * 30,
        "1" * 4_000,
        "1" * 5_000,
        "0." + "1" * 4_500,
    ),
    *("{}", "[]", '{"a":1}', '{"a":1,"a":2}', '{"a":1,}', "[1 2]", "[" * 9 + "]" * 9, "[" * 300 + "]" * 300),
    *('"\\ud83d"', '"\\ud83d\\ude00"', '"fil\\u006d"', '"\\x"', '"a\nb"', '"a\tb"', '"', "tru", ""),
]

times = st.integers(
    RECEIVED_AT_MS - limits.OCCURRED_AGE_MS_MAX - 1, RECEIVED_AT_MS + limits.OCCURRED_AHEAD_MS_MAX + 1
).map(lambda at_ms: json.dumps(instant(at_ms)))
values = st.one_of(
    st.sampled_from(SPELT),
    st.sampled_from(TEXTS).map(json.dumps),
    st.sampled_from(TEXTS).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.text(max_size=4).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.integers().map(json.dumps),
    st.floats().map(json.dumps),
    st.uuids().map(lambda each: json.dumps(str(each))),
    times,
)


def spelt(members: list[tuple[str, str]], space: str = "") -> str:
    """A JSON object of members already spelt."""
    return (
        "{"
        + ",".join(f"{space}{json.dumps(name)}{space}:{space}{text}" for name, text in members)
        + space
        + "}"
    )


def whole(event_type: str) -> dict[str, str]:
    return {
        **FIELDS,
        "event_type": json.dumps(event_type),
        "properties": spelt([*PROPERTIES[event_type].items()]),
    }


def require_of_one_mind(raw: bytes) -> None:
    taken = read_plain(raw, RECEIVED_AT_MS)
    assert taken is None or taken == judged(raw, RECEIVED_AT_MS)


@pytest.mark.parametrize("event_type", PROPERTIES)
def test_what_clients_mostly_send_goes_the_short_way(event_type: str) -> None:
    raw = spelt([*whole(event_type).items()]).encode()
    taken = read_plain(raw, RECEIVED_AT_MS)
    assert taken is not None
    assert taken == judged(raw, RECEIVED_AT_MS)


def test_every_known_type_has_its_short_way() -> None:
    assert plain.PROPERTIES.keys() == KNOWN_TYPES.keys() == PROPERTIES.keys() - {"app.opened"}
    for event_type, model in KNOWN_TYPES.items():
        declared = model.model_fields["properties"].annotation
        names = {field.alias or name for name, field in getattr(declared, "model_fields").items()}  # noqa: B009
        assert names <= PROPERTIES[event_type].keys(), f"a property of {event_type} is not tried here"


@given(
    data=st.data(), event_type=st.sampled_from(sorted(PROPERTIES)), space=st.sampled_from(["", " ", "\r\n\t"])
)
def test_other_fields_and_properties_are_judged_alike(data: Any, event_type: str, space: str) -> None:
    fields = whole(event_type)
    properties = [*PROPERTIES[event_type].items()]
    names = st.sampled_from(sorted(PROPERTIES[event_type]))
    # Again at the end: of a member sent twice the last counts.
    properties += data.draw(st.lists(st.tuples(names, values), max_size=2))
    for name in data.draw(st.lists(names, max_size=1)):
        properties = [member for member in properties if member[0] != name]
    fields["properties"] = spelt(properties, space)
    members = [*fields.items()]
    for _ in range(data.draw(st.integers(0, 2))):
        name = data.draw(st.sampled_from([*sorted(fields), "zz"]))
        members.append(
            (name, data.draw(times if name.endswith("_at") and data.draw(st.booleans()) else values))
        )
    for name in data.draw(st.lists(st.sampled_from(sorted(fields)), max_size=1)):
        members = [member for member in members if member[0] != name]
    require_of_one_mind(spelt(members, space).encode("utf-8", "surrogatepass"))


@given(
    event_type=st.sampled_from(sorted(PROPERTIES)),
    place=st.integers(0, 400),
    cut=st.integers(0, 2),
    put=st.binary(max_size=3)
    | st.sampled_from([b'"', b"\\", b"{", b"}", b",", b"0", b"e", b"\xff", b"\xed\xa0\x80"]),
)
def test_damaged_bytes_are_judged_alike(event_type: str, place: int, cut: int, put: bytes) -> None:
    raw = spelt([*whole(event_type).items()]).encode()
    place %= len(raw)
    require_of_one_mind(raw[:place] + put + raw[place + cut :])


@pytest.mark.parametrize("text", [*SPELT, *map(json.dumps, TEXTS)])
def test_no_value_passes_the_short_way_only(text: str) -> None:
    for event_type, properties in PROPERTIES.items():
        fields = whole(event_type)
        for name in fields:
            require_of_one_mind(spelt([*(fields | {name: text}).items()]).encode())
        for name in properties:
            changed = spelt([*(properties | {name: text}).items()])
            require_of_one_mind(spelt([*(fields | {"properties": changed}).items()]).encode())
