"""Event ids as numbers, many at once: what the warehouse is asked with and what memory keeps.

An id is two words of 64 bits, the less significant first: the bytes of a ClickHouse UInt128. In text ids must
be canonical, or the same id in two spellings would be two.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from etl.columns import ID_CHARS, IdColumn
from etl.errors import Refused

Ids: TypeAlias = npt.NDArray[np.uint64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Places: TypeAlias = npt.NDArray[np.intp]

PACKED_BYTES = 16
_DASHES = [8, 13, 18, 23]
_DASH = ord("-")

LOW, HIGH = 0, 1


def pack(ids: Sequence[bytes]) -> Ids:
    """`ids`, each 36 characters of ASCII, as a table of two columns. Refused when one is not canonical."""
    text = bytes(ids.text) if isinstance(ids, IdColumn) else b"".join(ids)
    if len(text) != ID_CHARS * len(ids):
        raise Refused("an id has not 36 characters")
    characters = np.frombuffer(text, dtype=np.uint8).reshape(-1, ID_CHARS)
    if not (characters[:, _DASHES] == _DASH).all():
        raise Refused("an id has its dashes at other places")
    digits = text.replace(b"-", b"")
    try:
        # Fast in C, but it takes capitals and, from text, white space; both would be other spellings.
        raw = bytes.fromhex(digits.decode("ascii"))
    except ValueError:
        raise Refused("an id is not hexadecimal") from None
    if len(raw) != PACKED_BYTES * len(ids) or digits != digits.lower():
        raise Refused("an id is not written in lower-case hexadecimal digits")
    big_endian = np.frombuffer(raw, dtype=">u8").reshape(-1, 2)
    packed = np.empty((len(ids), 2), dtype=np.uint64)
    packed[:, HIGH] = big_endian[:, 0]
    packed[:, LOW] = big_endian[:, 1]
    return packed


def unpack(raw: bytes) -> Ids:
    """What the warehouse or a fake answered: 16 bytes an id, least significant first."""
    return np.frombuffer(raw, dtype="<u8").reshape(-1, 2)


def is_among(ids: Ids, others: Ids) -> Mask:
    """For each of `ids`, whether it is one of `others`. Exact."""
    if len(ids) == 0 or len(others) == 0:
        return np.zeros(len(ids), dtype=np.bool_)
    known = set(_voids(others))
    return np.fromiter((each in known for each in _voids(ids)), dtype=np.bool_, count=len(ids))


def _voids(ids: Ids) -> list[bytes]:
    raw: list[bytes] = np.ascontiguousarray(ids).view("V16").ravel().tolist()
    return raw
