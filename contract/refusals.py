"""Why an event is refused: a closed list, one code a reason, and the one shape in which it is said.

Codes are stable: clients branch on them. Messages are for people and may change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from contract import limits


class RefusalCode(StrEnum):
    """Every reason to refuse an event at the door; `MEANINGS` explains each."""

    INVALID_JSON = "invalid_json"
    NOT_AN_OBJECT = "not_an_object"
    LONE_SURROGATE = "lone_surrogate"
    NUMBER_TOO_LONG = "number_too_long"
    MISSING_FIELD = "missing_field"
    UNKNOWN_FIELD = "unknown_field"
    BAD_UUID = "bad_uuid"
    BAD_TIMESTAMP = "bad_timestamp"
    TIMESTAMP_WITHOUT_OFFSET = "timestamp_without_offset"
    TOO_OLD = "too_old"
    IN_THE_FUTURE = "in_the_future"
    BAD_USER_ID = "bad_user_id"
    BAD_EVENT_TYPE = "bad_event_type"
    PROPERTIES_NOT_AN_OBJECT = "properties_not_an_object"
    PROPERTIES_TOO_LARGE = "properties_too_large"
    PROPERTIES_TOO_MANY_KEYS = "properties_too_many_keys"
    PROPERTIES_TOO_DEEP = "properties_too_deep"
    BAD_PROPERTY = "bad_property"
    BAD_VALUE = "bad_value"
    BAD_SESSION_ID = "bad_session_id"


MEANINGS: Final[Mapping[RefusalCode, str]] = MappingProxyType(
    {
        RefusalCode.INVALID_JSON: "The event is not JSON in UTF-8: a broken line of NDJSON, for instance.",
        RefusalCode.NOT_AN_OBJECT: "The event is JSON, but not an object.",
        RefusalCode.LONE_SURROGATE: "A string holds half of a surrogate pair, often an emoji cut in two; "
        "no UTF-8 can carry it.",
        RefusalCode.NUMBER_TOO_LONG: f"A number has more than {limits.NUMBER_DIGITS_MAX:,} digits.",
        RefusalCode.MISSING_FIELD: "A required field, or a required property of this event type, is missing.",
        RefusalCode.UNKNOWN_FIELD: "An event has no such field; data of your own goes into properties.",
        RefusalCode.BAD_UUID: "event_id is not a UUID.",
        RefusalCode.BAD_TIMESTAMP: "occurred_at or sent_at is not an ISO-8601 date and time.",
        RefusalCode.TIMESTAMP_WITHOUT_OFFSET: "occurred_at or sent_at does not say its offset from UTC.",
        RefusalCode.TOO_OLD: f"occurred_at is more than {limits.OCCURRED_AGE_MS_MAX // limits.DAY_MS} days "
        "before the event arrived.",
        RefusalCode.IN_THE_FUTURE: "occurred_at is more than "
        f"{limits.OCCURRED_AHEAD_MS_MAX // limits.MINUTE_MS} minutes after the event arrived.",
        RefusalCode.BAD_USER_ID: f"user_id is neither a string of 1 to {limits.USER_ID_CHARS_MAX} characters "
        "nor an integer.",
        RefusalCode.BAD_EVENT_TYPE: "event_type is not a name: a lower-case letter, then lower-case letters, "
        f"digits, dots and underscores, {limits.EVENT_TYPE_CHARS_MAX} characters at most.",
        RefusalCode.PROPERTIES_NOT_AN_OBJECT: "properties is not a JSON object.",
        RefusalCode.PROPERTIES_TOO_LARGE: f"properties is more than {limits.PROPERTIES_BYTES_MAX:,} bytes "
        "of JSON as sent.",
        RefusalCode.PROPERTIES_TOO_MANY_KEYS: f"properties has more than {limits.PROPERTIES_KEYS_MAX} keys.",
        RefusalCode.PROPERTIES_TOO_DEEP: f"properties nests more than {limits.PROPERTIES_DEPTH_MAX} levels "
        "deep, itself being the first.",
        RefusalCode.BAD_PROPERTY: "A property that this event type knows has a value it cannot have.",
        RefusalCode.BAD_VALUE: "value is not a finite number.",
        RefusalCode.BAD_SESSION_ID: "session_id is not a string of "
        f"{limits.SESSION_ID_CHARS_MAX} characters at most.",
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """One event refused. `pointer` (RFC 6901) names the field at fault, also one that is missing.

    All three are safe to show and bounded, whatever was sent.
    """

    code: RefusalCode
    pointer: str
    message: str


def pointer_to(path: Iterable[str | int]) -> str:
    """The RFC 6901 pointer for `path`.

    Ends at the parent of a key that no answer should carry: one too long, or one that UTF-8 cannot say.
    """
    pointer = ""
    for step in path:
        key = str(step)
        if len(key) > limits.POINTER_KEY_CHARS_MAX or any("\ud800" <= char <= "\udfff" for char in key):
            break
        pointer += "/" + key.replace("~", "~0").replace("/", "~1")
    return pointer
