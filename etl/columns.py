"""What a range holds of each row, in few bytes: there are hundreds of thousands of rows at once.

An id takes 88 bytes of memory in a list of bytes, an offset 40 in a list of ints. Here they take 36 and 8,
and what is saved is room for larger ranges.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import overload

from etl.errors import Refused
from etl.ranges import Offset

ID_CHARS = 36


class IdColumn(Sequence[bytes]):
    """Ids in text, one after the other. Raises Refused at one that has not 36 characters."""

    def __init__(self, ids: Iterable[bytes] = ()) -> None:
        each = list(ids)
        self.text = bytearray(b"".join(each))
        if len(self.text) != ID_CHARS * len(each) or not set(map(len, each)) <= {ID_CHARS}:
            raise Refused("an id has not 36 characters")

    def __len__(self) -> int:
        return len(self.text) // ID_CHARS

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, slice):
            return list(self)[at]
        start = range(len(self))[at] * ID_CHARS
        return bytes(self.text[start : start + ID_CHARS])

    def __iter__(self) -> Iterator[bytes]:
        text = bytes(self.text)
        for start in range(0, len(text), ID_CHARS):
            yield text[start : start + ID_CHARS]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IdColumn) and self.text == other.text

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __iadd__(self, more: "IdColumn") -> "IdColumn":
        self.text += more.text
        return self


def offset_column(offsets: Iterable[Offset | int] = ()) -> "array[int]":
    """Offsets, 8 bytes each."""
    return array("q", offsets)
