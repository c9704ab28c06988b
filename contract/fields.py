"""The kinds of values an event is made of: what each takes, what it becomes, and how its schema reads.

Every kind has a trap that pydantic's own types fall into: booleans and numeric strings that pass for numbers,
numbers that pass for timestamps, dates that pass for midnights. The error texts say what is wanted and read
on after "must be".
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from contract import limits

BAD = "bad"
WITHOUT_OFFSET = "without_offset"
CANONICAL_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?"
    r"([Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)
TIMESTAMP_WANTED = "an ISO-8601 date and time with an offset, like 2026-01-15T12:00:00.123Z"
OFFSET_WANTED = "a time that says its offset from UTC: end it with Z or, say, +03:00"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
EVENT_TYPE = re.compile(rf"[a-z][a-z0-9_.]{{0,{limits.EVENT_TYPE_CHARS_MAX - 1}}}")
# A float beyond this is no longer the number that was written.
FLOAT_EXACT_MAX = 2.0**53


def canonical_uuid(sent: object) -> str:
    """The 36 lower-case characters of the UUID that `uuid.UUID` reads in the string `sent`."""
    if isinstance(sent, str):
        if CANONICAL_UUID.fullmatch(sent):
            return sent
        try:
            return str(UUID(sent))
        except ValueError:
            pass
    raise PydanticCustomError(BAD, "a UUID in a string, like 0190c5a4-7c1e-7b1a-9a53-0242ac120002")


def milliseconds(at: datetime) -> int:
    """Whole milliseconds since 1970 UTC; what is smaller is cut off, never rounded up."""
    return (at - EPOCH) // MILLISECOND


def timestamp_ms(sent: object) -> int:
    """The instant that the ISO-8601 string `sent` names, as `milliseconds`."""
    if isinstance(sent, str) and len(sent) <= limits.TIMESTAMP_CHARS_MAX:
        # What browsers send needs no pattern: at this length, between T and Z, only week dates intrude.
        usual = len(sent) == 24 and sent[10] == "T" and sent[23] == "Z" and sent[5] != "W"
        matched = None if usual else TIMESTAMP.fullmatch(sent)
        if matched and matched[1] is None:
            raise PydanticCustomError(WITHOUT_OFFSET, OFFSET_WANTED)
        if usual or matched:
            try:
                return milliseconds(datetime.fromisoformat(sent if usual else sent.upper()))
            except ValueError:
                pass  # a month 13, an hour 25
    raise PydanticCustomError(BAD, TIMESTAMP_WANTED)


def timestamp_ms_or_none(sent: object) -> int | None:
    """As `timestamp_ms`; null counts as absent."""
    return None if sent is None else timestamp_ms(sent)


def integer(sent: object) -> int | None:
    """The integer `sent` is in JSON's sense (100 and 100.0, never true or "100"), or None."""
    if type(sent) is int:
        return sent
    if type(sent) is float and abs(sent) <= FLOAT_EXACT_MAX and sent.is_integer():
        return int(sent)
    return None


def user_id_text(sent: object) -> str:
    """A user id as it is stored: a string as it came, an integer as its decimal digits."""
    text = sent if isinstance(sent, str) else _digits(sent)
    if text and len(text) <= limits.USER_ID_CHARS_MAX:
        return text
    raise PydanticCustomError(BAD, f"a string of 1 to {limits.USER_ID_CHARS_MAX} characters, or an integer")


def identifier(sent: object) -> str | int:
    """The id of a thing of the sender's: a string that says something, or an integer."""
    whole = integer(sent)
    if whole is not None and abs(whole) <= limits.INTEGER_MAX:
        return whole
    if isinstance(sent, str) and 0 < len(sent) <= limits.PROPERTY_TEXT_CHARS_MAX:
        return sent
    raise PydanticCustomError(
        BAD, f"a string of 1 to {limits.PROPERTY_TEXT_CHARS_MAX:,} characters, or an integer"
    )


def count_from_0(sent: object) -> int:
    """An integer of at least 0."""
    return _count(sent, 0)


def count_from_1(sent: object) -> int:
    """An integer of at least 1."""
    return _count(sent, 1)


def _count(sent: object, least: int) -> int:
    whole = integer(sent)
    if whole is not None and least <= whole <= limits.INTEGER_MAX:
        return whole
    raise PydanticCustomError(BAD, f"a number (not a string) without a fraction, of at least {least}")


def _digits(sent: object) -> str:
    whole = integer(sent)
    return "" if whole is None else str(whole)


def _integer_schema(least: int, what: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": limits.INTEGER_MAX, "description": what}


def _id_schema(chars_max: int, what: str) -> dict[str, Any]:
    return {
        "anyOf": [{"type": "string", "minLength": 1, "maxLength": chars_max}, {"type": "integer"}],
        "description": what,
    }


TIMESTAMP_SCHEMA: dict[str, Any] = {"type": "string", "format": "date-time"}

EventId = Annotated[str, PlainValidator(canonical_uuid), WithJsonSchema({"type": "string", "format": "uuid"})]
TimestampMs = Annotated[int, PlainValidator(timestamp_ms), WithJsonSchema(TIMESTAMP_SCHEMA)]
OptionalTimestampMs = Annotated[
    int | None,
    PlainValidator(timestamp_ms_or_none),
    WithJsonSchema({"anyOf": [TIMESTAMP_SCHEMA, {"type": "null"}]}),
]
UserId = Annotated[
    str,
    PlainValidator(user_id_text),
    WithJsonSchema(_id_schema(limits.USER_ID_CHARS_MAX, "A string, or an integer.")),
]
Text = Annotated[str, Field(strict=True, min_length=1, max_length=limits.PROPERTY_TEXT_CHARS_MAX)]
Identifier = Annotated[
    str | int,
    PlainValidator(identifier),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "minLength": 1, "maxLength": limits.PROPERTY_TEXT_CHARS_MAX},
                {"type": "integer", "minimum": -limits.INTEGER_MAX, "maximum": limits.INTEGER_MAX},
            ],
        }
    ),
]
DurationMs = Annotated[int, PlainValidator(count_from_0), WithJsonSchema(_integer_schema(0, "Milliseconds."))]
Quantity = Annotated[int, PlainValidator(count_from_1), WithJsonSchema(_integer_schema(1, "How many."))]
FiniteNumber = Annotated[float, Field(strict=True, allow_inf_nan=False)]
