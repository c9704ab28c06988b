"""Numbers in a piece of memory that other processes can read while they change.

A sheet is a list of lines of `LINE_BYTES`: a number of 8 bytes, then the words it stands for. One process
writes it; adding to a number is one store, so a reader sees the old number or the new one, and a writer that
is killed leaves every number as it last was. There are `LINES_MAX` lines and never more: what finds no place
is counted nowhere, and `full` says so.
"""

import math
import mmap
import threading
from collections.abc import Iterator

LINE_BYTES = 128
LINES_MAX = 2_047
SHEET_BYTES = LINE_BYTES * (LINES_MAX + 1)

Words = tuple[str, ...]

_NUMBERS_A_LINE = LINE_BYTES // 8
# The first line has no words: its number is how many lines there are.
_USED = 0
_NOWHERE = 1
_BETWEEN = "\x1f"
GONE = math.nan


class Sheet:
    """The numbers of one process. `memory` may be a file that was written before: it is gone on with."""

    def __init__(self, memory: mmap.mmap | None = None) -> None:
        self._bytes = memoryview(memory if memory is not None else bytearray(SHEET_BYTES))
        self._numbers = self._bytes.cast("d")
        self._lock = threading.Lock()
        self._places = {words: place for words, place, _ in _lines(self._bytes)}
        self.full = False

    def place(self, words: Words) -> int:
        """Where the number of these words is; it is 0 when they are new or were gone."""
        with self._lock:
            place = self._places.get(words)
            if place is None:
                place = self._places[words] = self._new_line(words)
            elif math.isnan(self._numbers[place]):
                self._numbers[place] = 0.0
            return place

    def add(self, place: int, amount: float) -> None:
        with self._lock:
            self._numbers[place] += amount

    def add_both(self, one: int, other: int, amount: float) -> None:
        """1 to `one` and `amount` to `other`, for who counts and sums."""
        with self._lock:
            self._numbers[one] += 1.0
            self._numbers[other] += amount

    def put(self, place: int, number: float) -> None:
        with self._lock:
            self._numbers[place] = number

    def read(self) -> dict[Words, float]:
        """All that is not gone."""
        return numbers_in(self._bytes)

    def _new_line(self, words: Words) -> int:
        used = int(self._numbers[_USED])
        said = _BETWEEN.join(words).encode()
        if used == LINES_MAX or len(said) > LINE_BYTES - 8:
            self.full = True
            return _NOWHERE
        start = (used + 1) * LINE_BYTES
        self._bytes[start + 8 : start + 8 + len(said)] = said
        # Last, so that nobody reads a line that is not whole.
        self._numbers[_USED] = used + 1.0
        return (used + 1) * _NUMBERS_A_LINE


def numbers_in(data: bytes | memoryview) -> dict[Words, float]:
    """All numbers of a sheet that are not gone; nothing when it is cut off or was never begun."""
    return {words: number for words, _, number in _lines(memoryview(data)) if not math.isnan(number)}


def _lines(data: memoryview) -> Iterator[tuple[Words, int, float]]:
    if len(data) < SHEET_BYTES:
        return
    numbers = data[:SHEET_BYTES].cast("d")
    used = numbers[_USED]
    for line in range(1, (int(used) if 0 <= used <= LINES_MAX else 0) + 1):
        start = line * LINE_BYTES
        said = bytes(data[start + 8 : start + LINE_BYTES]).rstrip(b"\0")
        place = line * _NUMBERS_A_LINE
        yield tuple(said.decode("utf-8", "replace").split(_BETWEEN)), place, numbers[place]
