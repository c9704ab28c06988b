"""The short way of `read`: an event that is plainly good, in one pass of msgspec.

Nothing is refused here. What is not of the usual form, or not good, is None, and the models judge it; they
alone know what an event may be. What is taken here they would take too and make the very same event of it
(tests/contract/test_plain.py holds the two against each other), so this file can only cost or save time.
"""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from contract import limits
from contract.events import ClickKind, Event, PageViewKind
from contract.explaining import properties_problem
from contract.fields import CANONICAL_UUID, EPOCH, EVENT_TYPE, MILLISECOND
from contract.shape import is_modest

# Within it no number has more digits than every parser takes.
BYTES_MAX: Final = limits.NUMBER_DIGITS_MAX

_Text = Annotated[str, Meta(min_length=1, max_length=limits.PROPERTY_TEXT_CHARS_MAX)]
_Integer = Annotated[int, Meta(ge=-limits.INTEGER_MAX, le=limits.INTEGER_MAX)]
_Duration = Annotated[int, Meta(ge=0, le=limits.INTEGER_MAX)]
_Quantity = Annotated[int, Meta(ge=1, le=limits.INTEGER_MAX)]


class _Sent(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The fields of every event, as narrow as they are mostly sent."""

    event_id: str
    occurred_at: str
    user_id: Annotated[str, Meta(min_length=1, max_length=limits.USER_ID_CHARS_MAX)]
    event_type: str
    properties: msgspec.Raw = msgspec.Raw(b"{}")
    value: float = 0.0
    session_id: Annotated[str, Meta(max_length=limits.SESSION_ID_CHARS_MAX)] | None = None
    sent_at: str | None = None


class _Click(msgspec.Struct, gc=False):
    element: _Text
    kind: ClickKind | UnsetType = UNSET
    target: _Text | UnsetType = UNSET


class _PageView(msgspec.Struct, gc=False):
    page: _Text
    kind: PageViewKind | UnsetType = UNSET
    dwell_ms: _Duration | UnsetType = UNSET


class _VideoQualityChanged(msgspec.Struct, gc=False, rename={"from_": "from"}):
    film_id: _Text | _Integer
    from_: _Text
    to: _Text


class _VideoCompleted(msgspec.Struct, gc=False):
    film_id: _Text | _Integer
    duration_ms: _Duration | UnsetType = UNSET
    watched_ms: _Duration | UnsetType = UNSET


class _SearchFilterApplied(msgspec.Struct, gc=False):
    filters: Annotated[dict[str, msgspec.Raw], Meta(min_length=1)]


class _Purchase(msgspec.Struct, gc=False):
    product_id: _Text | _Integer
    quantity: _Quantity | UnsetType = UNSET


_SENT: Final = msgspec.json.Decoder(_Sent)
PROPERTIES: Final[dict[str, msgspec.json.Decoder[Any]]] = {
    "click": msgspec.json.Decoder(_Click),
    "page_view": msgspec.json.Decoder(_PageView),
    "video_quality_changed": msgspec.json.Decoder(_VideoQualityChanged),
    "video_completed": msgspec.json.Decoder(_VideoCompleted),
    "search_filter_applied": msgspec.json.Decoder(_SearchFilterApplied),
    "purchase": msgspec.json.Decoder(_Purchase),
}
"""What reads the properties of each known type."""
# A byte is found quicker by its number.
_LINE_FEED, _CARRIAGE_RETURN = b"\n\r"
_LINE_BREAKS_TO_SPACES: Final = bytes.maketrans(b"\r\n", b"  ")


def read_plain(raw: bytes, received_at_ms: int) -> Event | None:
    """The event that `raw` is, when it is plainly good. None says nothing. Never raises."""
    if len(raw) > BYTES_MAX:
        return None
    try:
        if not raw.isascii():
            raw.decode()
        sent = _SENT.decode(raw)
        properties = bytes(sent.properties)
        if decoder := PROPERTIES.get(sent.event_type):
            decoder.decode(properties)
        elif not (EVENT_TYPE.fullmatch(sent.event_type) and properties.startswith(b"{")):
            return None
        occurred_at_ms = _usual_time(sent.occurred_at)
        skew_ms = None if sent.sent_at is None else received_at_ms - _usual_time(sent.sent_at)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    age_ms = received_at_ms - occurred_at_ms
    if (
        -limits.OCCURRED_AHEAD_MS_MAX <= age_ms <= limits.OCCURRED_AGE_MS_MAX
        and CANONICAL_UUID.fullmatch(sent.event_id)
        and (is_modest(properties) or not properties_problem(properties))
    ):
        return Event(
            sent.event_id,
            occurred_at_ms,
            sent.user_id,
            sent.event_type,
            on_one_line(properties),
            sent.value,
            sent.session_id or None,
            skew_ms,
        )
    return None


def on_one_line(properties: bytes) -> bytes:
    """The same JSON without line breaks, which it has only between its tokens."""
    if _LINE_FEED in properties or _CARRIAGE_RETURN in properties:
        return properties.translate(_LINE_BREAKS_TO_SPACES)
    return properties


def _usual_time(sent: str) -> int:
    """The instant in the form that browsers send, 2026-01-15T12:00:00.123Z. Raises ValueError for others."""
    # At this length, between T and Z, only week dates intrude.
    if len(sent) == 24 and sent[10] == "T" and sent[23] == "Z" and sent[5] != "W":
        return (datetime.fromisoformat(sent) - EPOCH) // MILLISECOND
    raise ValueError("of another form")
