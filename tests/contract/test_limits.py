"""Every limit at its edge: the most passes, one more is refused under the limit's own code."""

import json
from datetime import timedelta
from typing import Any

import pytest

from contract import limits
from contract.events import Event
from contract.reading import read
from contract.refusals import Refusal, RefusalCode


def nested(depth: int) -> dict[str, Any]:
    """Properties of this depth."""
    inner: Any = 1
    for _ in range(depth - 1):
        inner = [inner]
    return {"a": inner}


def sized(size_bytes: int, char: str = "x") -> dict[str, str]:
    """Properties that take so many bytes in the test's JSON."""
    per_char = len(json.dumps(char)) - 2
    left = size_bytes - len(json.dumps({"x": ""}))
    return {"x": char * (left // per_char) + "x" * (left % per_char)}


@pytest.mark.parametrize(
    ("field", "most", "beyond", "code"),
    [
        ("user_id", "é" * 128, "é" * 129, RefusalCode.BAD_USER_ID),
        ("user_id", "😀" * 128, "😀" * 129, RefusalCode.BAD_USER_ID),
        ("user_id", int("9" * 128), int("9" * 129), RefusalCode.BAD_USER_ID),
        ("user_id", "x", "", RefusalCode.BAD_USER_ID),
        ("session_id", "é" * 128, "é" * 129, RefusalCode.BAD_SESSION_ID),
        ("event_type", "a" * 64, "a" * 65, RefusalCode.BAD_EVENT_TYPE),
        ("properties", nested(8), nested(9), RefusalCode.PROPERTIES_TOO_DEEP),
        ("properties", {"a": [[]] * 9}, {"a": [[[[[[[[]]]]]]]]}, RefusalCode.PROPERTIES_TOO_DEEP),
        (
            "properties",
            {f"k{n}": ":" for n in range(100)},
            {f"k{n}": ":" for n in range(101)},
            RefusalCode.PROPERTIES_TOO_MANY_KEYS,
        ),
        ("properties", sized(16_384), sized(16_385), RefusalCode.PROPERTIES_TOO_LARGE),
        ("properties", sized(16_384, "é"), sized(16_385, "é"), RefusalCode.PROPERTIES_TOO_LARGE),
        ("occurred_at", "2025-12-16T12:00:00Z", "2025-12-16T11:59:59.999Z", RefusalCode.TOO_OLD),
        ("occurred_at", "2026-01-15T12:05:00Z", "2026-01-15T12:05:00.001Z", RefusalCode.IN_THE_FUTURE),
    ],
    ids=str,
)
def test_the_most_passes_and_one_more_does_not(
    read_sent: Any, field: str, most: Any, beyond: Any, code: RefusalCode
) -> None:
    assert isinstance(read_sent(**{field: most}), Event)
    refusal = read_sent(**{field: beyond})
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.pointer) == (code, f"/{field}")


def test_sizes_are_bytes_of_utf_8_as_sent(sent: Any, received_at: Any) -> None:
    def sent_as_is(properties: str) -> bytes:
        return json.dumps(sent())[:-1].encode() + b', "properties": ' + properties.encode() + b"}"

    most = '{"x":"' + "é" * ((limits.PROPERTIES_BYTES_MAX - 8) // 2) + '"}'
    assert len(most.encode()) == limits.PROPERTIES_BYTES_MAX
    assert isinstance(read(sent_as_is(most), received_at=received_at), Event)
    refusal = read(sent_as_is(most.replace("{", "{ ")), received_at=received_at)
    assert isinstance(refusal, Refusal)
    assert refusal.code == RefusalCode.PROPERTIES_TOO_LARGE


def test_only_the_own_keys_of_properties_are_counted(read_sent: Any) -> None:
    inner = {f"k{n}": n for n in range(150)}
    assert isinstance(read_sent(properties={"inner": inner, "list": [inner]}), Event)


def test_colons_and_brackets_in_strings_are_no_structure(read_sent: Any) -> None:
    properties = {"x": ":" * 500 + '[{"' * 50 + "\\"}
    assert isinstance(read_sent(properties=properties), Event)


def test_repeated_keys_count_each(sent: Any, received_at: Any) -> None:
    raw = json.dumps(sent())[:-1] + ', "properties": {' + ",".join(['"k":0'] * 101) + "}}"
    refusal = read(raw.encode(), received_at=received_at)
    assert isinstance(refusal, Refusal)
    assert refusal.code == RefusalCode.PROPERTIES_TOO_MANY_KEYS


@pytest.mark.parametrize("field", ["film_id", "duration_ms"])
def test_integers_of_properties_stay_exact_in_every_reader(read_sent: Any, field: str) -> None:
    def completed(value: int) -> Event | Refusal:
        answer = read_sent(event_type="video_completed", properties={"film_id": 1, field: value})
        assert isinstance(answer, Event | Refusal)
        return answer

    assert isinstance(completed(limits.INTEGER_MAX), Event)
    refusal = completed(limits.INTEGER_MAX + 1)
    assert isinstance(refusal, Refusal)
    assert refusal.code == RefusalCode.BAD_PROPERTY


def test_texts_of_properties_are_bounded(read_sent: Any) -> None:
    longest = "x" * limits.PROPERTY_TEXT_CHARS_MAX
    assert isinstance(read_sent(event_type="page_view", properties={"page": longest}), Event)
    refusal = read_sent(event_type="page_view", properties={"page": longest + "x"})
    assert (refusal.code, refusal.pointer) == (RefusalCode.BAD_PROPERTY, "/properties/page")


def test_age_is_counted_from_the_arrival_in_whole_milliseconds(sent: Any, received_at: Any) -> None:
    raw = json.dumps(sent(occurred_at="2025-12-16T12:00:00Z")).encode()
    assert isinstance(read(raw, received_at=received_at + timedelta(microseconds=999)), Event)
    assert isinstance(read(raw, received_at=received_at + timedelta(milliseconds=1)), Refusal)


def test_every_limit_has_a_number_and_a_unit() -> None:
    units = ("BYTES", "CHARS", "MS", "KEYS", "DEPTH", "REQUEST", "DIGITS", "INTEGER", "REASONS")
    assert limits.NAMED["EVENTS_PER_REQUEST_MAX"] == 1_000
    assert limits.NAMED["BODY_BYTES_MAX"] == 1_048_576
    for name, bound in limits.NAMED.items():
        assert isinstance(bound, int)
        assert any(unit in name for unit in units), name
