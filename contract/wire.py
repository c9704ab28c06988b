"""The one codec of the log: how an event is written down, and how it is read back.

A record's value is one JSON object on one line, members always in the same order, no spaces:

    {"event_id":"0190c5a4-7c1e-7b1a-9a53-0242ac120002","occurred_at":"2026-01-15T11:59:59.123Z","user_id":...,
     "event_type":...,"value":...,"session_id":...,"skew_ms":...,"received_at":...,"ip":...,
     "user_agent_family":...,"bot_reasons":[...],"properties":{...as sent...}}

`EVENT_ID` and `OCCURRED_AT` are at fixed places, so that a reader in a hurry can slice them out. An absent
session is "", an absent skew null. The header `ugc-contract` carries the version; what was written under a
version is read for ever (tests/contract/golden).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from math import isfinite
from types import MappingProxyType
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from contract import limits
from contract.events import Event
from contract.fields import CANONICAL_UUID, EPOCH, EVENT_TYPE, milliseconds
from contract.shape import is_modest, shape_of

VERSION: Final = 1
VERSION_HEADER: Final = "ugc-contract"
EVENT_ID: Final = slice(13, 49)
OCCURRED_AT: Final = slice(66, 90)
HEADERS: Final = ((VERSION_HEADER, b"%d" % VERSION),)
_INSTANT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")


class UndecodableReason(StrEnum):
    """Every reason why a record is no event; `UNDECODABLE_MEANINGS` explains each."""

    TOMBSTONE = "tombstone"
    TOO_LARGE = "too_large"
    VERSION_MISSING = "version_missing"
    VERSION_UNKNOWN = "version_unknown"
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"


UNDECODABLE_MEANINGS: Final[Mapping[UndecodableReason, str]] = MappingProxyType(
    {
        UndecodableReason.TOMBSTONE: "The record has no value.",
        UndecodableReason.TOO_LARGE: f"The value has more than {limits.RECORD_BYTES_MAX:,} bytes.",
        UndecodableReason.VERSION_MISSING: f"The record has no header {VERSION_HEADER}: "
        "somebody else wrote it.",
        UndecodableReason.VERSION_UNKNOWN: f"The header {VERSION_HEADER} names a version that this release "
        "does not read: upgrade the reader.",
        UndecodableReason.NOT_JSON: "The value is not JSON in UTF-8.",
        UndecodableReason.WRONG_SHAPE: "The value is JSON, but not the object that this version writes.",
    }
)


class Undecodable(ValueError):  # noqa: N818 - a state of the record, not a fault of the program
    """A record of the log that is no event of ours: poison, never a row."""

    def __init__(self, reason_code: UndecodableReason, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.message = message


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the server adds to the events of one request. Raises ValueError beyond the limits."""

    received_at_ms: int
    ip: str
    user_agent_family: str
    bot_reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.ip) > limits.IP_CHARS_MAX:
            raise ValueError(f"an ip has {limits.IP_CHARS_MAX} characters at most")
        if len(self.user_agent_family) > limits.USER_AGENT_FAMILY_CHARS_MAX:
            raise ValueError(
                f"a family of user agents has {limits.USER_AGENT_FAMILY_CHARS_MAX} characters at most"
            )
        if len(self.bot_reasons) > limits.BOT_REASONS_MAX or any(
            len(reason) > limits.BOT_REASON_CHARS_MAX for reason in self.bot_reasons
        ):
            raise ValueError(
                f"there are {limits.BOT_REASONS_MAX} reasons to see a bot at most, "
                f"of {limits.BOT_REASON_CHARS_MAX} characters each"
            )


class Record(msgspec.Struct, frozen=True, gc=False):
    """An event as it goes into the log. Its time is the arrival's: retention counts from there."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    timestamp_ms: int


class WireEvent(msgspec.Struct, frozen=True):
    """An event as it lies in the log: what its sender said and what the server added."""

    event_id: str
    occurred_at_ms: int
    user_id: str
    event_type: str
    properties: bytes
    value: float
    session_id: str | None
    skew_ms: int | None
    received_at_ms: int
    ip: str
    user_agent_family: str
    bot_reasons: tuple[str, ...]

    @property
    def event(self) -> Event:
        """What its sender said: equal to the event that was encoded."""
        return Event(
            self.event_id,
            self.occurred_at_ms,
            self.user_id,
            self.event_type,
            self.properties,
            self.value,
            self.session_id,
            self.skew_ms,
        )

    @property
    def arrival(self) -> Arrival:
        """What the server added."""
        return Arrival(self.received_at_ms, self.ip, self.user_agent_family, self.bot_reasons)


class _Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """What the sender said; the order of the fields is the order on the wire."""

    event_id: str
    occurred_at: str
    user_id: Annotated[str, Meta(min_length=1, max_length=limits.USER_ID_CHARS_MAX)]
    event_type: str
    value: float
    session_id: Annotated[str, Meta(max_length=limits.SESSION_ID_CHARS_MAX)]
    skew_ms: Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | None


class _Value(_Sent, forbid_unknown_fields=True):
    """The value of a record: what was sent, what the server added, and the properties at its end."""

    received_at: str
    ip: Annotated[str, Meta(max_length=limits.IP_CHARS_MAX)]
    user_agent_family: Annotated[str, Meta(max_length=limits.USER_AGENT_FAMILY_CHARS_MAX)]
    bot_reasons: Annotated[
        tuple[Annotated[str, Meta(max_length=limits.BOT_REASON_CHARS_MAX)], ...],
        Meta(max_length=limits.BOT_REASONS_MAX),
    ]
    properties: msgspec.Raw


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(_Value)


def encode(event: Event, arrival: Arrival) -> Record:
    """The record for an event that `read` returned. Raises ValueError for a value that is not finite."""
    return encode_all((event,), arrival)[0]


def encode_all(events: Iterable[Event], arrival: Arrival) -> list[Record]:
    """`encode` for events that arrived together: what they share is written once."""
    between = _between(arrival)
    return [_record(event, between, arrival.received_at_ms) for event in events]


def _between(arrival: Arrival) -> bytes:
    """What stands in a value from the comma after what was sent to the colon before the properties."""
    unsent = _Value(
        *("", "", "", "", 0.0, "", None, instant(arrival.received_at_ms)),
        *(arrival.ip, arrival.user_agent_family, arrival.bot_reasons, msgspec.Raw(b"0")),
    )
    written = _ENCODER.encode(unsent)
    return written[written.index(b',"received_at":') : -2]


def _record(event: Event, between: bytes, received_at_ms: int) -> Record:
    if not isfinite(event.value):
        raise ValueError(f"value is {event.value}, which JSON cannot say")
    sent = _Sent(
        event.event_id,
        instant(event.occurred_at_ms),
        event.user_id,
        event.event_type,
        event.value,
        event.session_id or "",
        event.skew_ms,
    )
    value = b"".join((_ENCODER.encode(sent)[:-1], between, event.properties, b"}"))
    return Record(event.event_id.encode(), value, list(HEADERS), received_at_ms)


def decode(value: bytes | None, headers: Iterable[tuple[str, bytes | None]] | None) -> WireEvent:
    """The event that a record holds: `decode(record.value, record.headers).event == event`.

    Raises Undecodable for everything else. Members may stand in any order.
    """
    if value is None:
        raise Undecodable(UndecodableReason.TOMBSTONE, "the record has no value")
    if len(value) > limits.RECORD_BYTES_MAX:
        told = f"the value has {len(value):,} bytes; {limits.RECORD_BYTES_MAX:,} is the most"
        raise Undecodable(UndecodableReason.TOO_LARGE, told)
    _require_version(headers)
    try:
        if not value.isascii():
            value.decode()
        found = _DECODER.decode(value)
    except msgspec.ValidationError as error:
        raise Undecodable(UndecodableReason.WRONG_SHAPE, str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Undecodable(UndecodableReason.NOT_JSON, str(error)) from None
    except RecursionError:
        raise Undecodable(UndecodableReason.WRONG_SHAPE, "nested too deep to be read") from None
    properties = bytes(found.properties)
    _require_shape(found, properties, one_line=b"\n" not in value and b"\r" not in value)
    return WireEvent(
        found.event_id,
        _milliseconds(found.occurred_at, "occurred_at"),
        found.user_id,
        found.event_type,
        properties,
        found.value,
        found.session_id or None,
        found.skew_ms,
        _milliseconds(found.received_at, "received_at"),
        found.ip,
        found.user_agent_family,
        found.bot_reasons,
    )


def instant(at_ms: int) -> str:
    """Milliseconds since 1970 as the wire writes them: 2026-01-15T11:59:59.123Z."""
    minute, left = divmod(at_ms, limits.MINUTE_MS)
    second, millisecond = divmod(left, 1000)
    return _minute(minute) + _SECONDS[second] + _MILLISECONDS[millisecond]


_SECONDS: Final = tuple(f"{second:02d}." for second in range(60))
_MILLISECONDS: Final = tuple(f"{millisecond:03d}Z" for millisecond in range(1000))


# The events of a request share their minute, mostly.
@lru_cache(maxsize=1024)
def _minute(minute: int) -> str:
    return (EPOCH + timedelta(minutes=minute)).isoformat()[:17]


def _require_version(headers: Iterable[tuple[str, bytes | None]] | None) -> None:
    version = next((value for name, value in headers or () if name == VERSION_HEADER), None)
    if version is None:
        raise Undecodable(UndecodableReason.VERSION_MISSING, f"the record has no header {VERSION_HEADER}")
    if version != HEADERS[0][1]:
        told = f"{VERSION_HEADER} is {version[:32]!r}; this release reads {VERSION}"
        raise Undecodable(UndecodableReason.VERSION_UNKNOWN, told)


def _require_shape(found: _Value, properties: bytes, *, one_line: bool) -> None:
    wrong: str | None = None
    if not one_line:
        wrong = "the value is more than one line"
    elif not CANONICAL_UUID.fullmatch(found.event_id):
        wrong = "event_id is not a UUID in its canonical form"
    elif not EVENT_TYPE.fullmatch(found.event_type):
        wrong = "event_type is not a name"
    elif not properties.startswith(b"{"):
        wrong = "properties is not an object"
    elif not is_modest(properties) and shape_of(properties).depth > limits.PROPERTIES_DEPTH_MAX:
        wrong = f"properties nests more than {limits.PROPERTIES_DEPTH_MAX} levels deep"
    if wrong:
        raise Undecodable(UndecodableReason.WRONG_SHAPE, wrong)


def _milliseconds(text: str, name: str) -> int:
    if _INSTANT.fullmatch(text):
        try:
            return milliseconds(datetime.fromisoformat(text))
        except ValueError:
            pass
    raise Undecodable(UndecodableReason.WRONG_SHAPE, f"{name} is not a time like 2026-01-15T11:59:59.123Z")
