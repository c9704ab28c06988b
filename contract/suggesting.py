"""What an unknown field was probably meant to be."""

from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from contract.events import FIELDS

NAME_CHARS_MAX: Final = 32
_SIMILARITY_MIN: Final = 0.75
# The fields and what other products call them, without underscores and in lower case.
_MEANT: Final = MappingProxyType(
    {
        **{name.replace("_", ""): name for name in FIELDS},
        "id": "event_id",
        "uuid": "event_id",
        "messageid": "event_id",
        "insertid": "event_id",
        "timestamp": "occurred_at",
        "time": "occurred_at",
        "ts": "occurred_at",
        "eventtime": "occurred_at",
        "createdat": "occurred_at",
        "occurred": "occurred_at",
        "user": "user_id",
        "uid": "user_id",
        "distinctid": "user_id",
        "type": "event_type",
        "event": "event_type",
        "eventname": "event_type",
        "name": "event_type",
        "props": "properties",
        "payload": "properties",
        "data": "properties",
        "params": "properties",
        "points": "value",
        "amount": "value",
        "price": "value",
        "session": "session_id",
        "sent": "sent_at",
        "senttime": "sent_at",
    }
)


def suggestion_for(name: str) -> str | None:
    """The field that `name` resembles, or None."""
    if len(name) > NAME_CHARS_MAX:
        return None
    plain = name.lower().replace("_", "").replace("-", "")
    if plain in _MEANT:
        return _MEANT[plain]
    close = get_close_matches(plain, [name.replace("_", "") for name in FIELDS], n=1, cutoff=_SIMILARITY_MIN)
    return _MEANT[close[0]] if close else None
