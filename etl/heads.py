"""Do records begin as our codec writes them? Looked at all at once: as a table, one record a row.

The head of a value is its id and time, at fixed places. What differs from record to record there is compared
with the key, or read; everything else must be the same character in every record.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from contract import wire

ID_CHARS: Final = 36
DASHES: Final = 4
DAY_CHARS: Final = len("2026-11-21")

# `x`: differs by record. The time is UTC to the millisecond.
_HEAD: Final = b'{"event_id":"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx","occurred_at":"xxxx-xx-xxTxx:xx:xx.xxxZ"'
_SHAPE: Final = np.frombuffer(_HEAD, dtype=np.uint8)
_MASK: Final = np.where(np.equal(_SHAPE, ord("x")), 0, 255).astype(np.uint8)
_FIXED: Final = _SHAPE & _MASK
_ID: Final = slice(wire.EVENT_ID.start, wire.EVENT_ID.stop)
_DAY: Final = slice(wire.OCCURRED_AT.start, wire.OCCURRED_AT.start + DAY_CHARS)
_DIGITS: Final = b"0123456789abcdef"


def days_of(ids: Sequence[Any], values: Sequence[Any]) -> set[bytes] | None:
    """The days on which they happened, as text; None if any value begins otherwise, or with another id.

    An id that passes is canonical, as its dashes are where they belong and the rest are lower-case digits.
    """
    count = len(values)
    try:
        joined_ids = b"".join(ids)
        joined = b"".join([value[: len(_HEAD)] for value in values])
    except TypeError:  # a None among them
        return None
    if len(joined) != count * len(_HEAD) or set(map(len, ids)) != {ID_CHARS}:
        return None
    heads = np.frombuffer(joined, dtype=np.uint8).reshape(count, len(_HEAD))
    if (
        not (heads & _MASK == _FIXED).all()
        or heads[:, _ID].tobytes() != joined_ids
        or len(joined_ids.translate(None, _DIGITS)) != DASHES * count
    ):
        return None
    return set(np.ascontiguousarray(heads[:, _DAY]).view(f"S{DAY_CHARS}").ravel().tolist())
