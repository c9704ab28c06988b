"""Request bodies as streams: of known length or chunked, as they are or compressed, in bounded memory.

A body that ends before it should raises: half an insert must never be taken for a whole one.
"""

import zlib
from collections.abc import Callable
from typing import Any, Protocol

import lz4.frame  # type: ignore[import-untyped]
from backports import zstd

from embedded.warehouse.errors import Refused, bad_request

LINE_BYTES_MAX = 4096
# Of one compressed body: so many, and one more for so many bytes that were in them.
FRAMES_MAX = 1_000
FRAME_BYTES_MIN = 256


class Source(Protocol):
    """Bytes, a piece at a time."""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; b'' at the end and ever after."""
        ...


class Wire(Protocol):
    """The connection's buffered reader."""

    def read(self, size: int) -> bytes: ...
    def readline(self, size: int) -> bytes: ...


class KnownLength:
    """A body with a Content-Length."""

    def __init__(self, wire: Wire, length: int) -> None:
        self._wire = wire
        self.left = length

    def read(self, size: int) -> bytes:
        if self.left == 0:
            return b""
        piece = self._wire.read(min(size, self.left))
        if not piece:
            raise _cut_short(f"{self.left} bytes are missing")
        self.left -= len(piece)
        return piece

    @property
    def finished(self) -> bool:
        return self.left == 0


class Chunked:
    """A body with Transfer-Encoding: chunked; a chunk may be of any size and is never held whole."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._left = 0
        self.finished = False

    def read(self, size: int) -> bytes:
        if self.finished:
            return b""
        if self._left == 0 and not self._next_chunk():
            return b""
        piece = self._wire.read(min(size, self._left))
        if not piece:
            raise _cut_short("a chunk is incomplete")
        self._left -= len(piece)
        if self._left == 0 and self._line() != b"":
            raise bad_request("Chunked body: a chunk is longer than it says")
        return piece

    def _next_chunk(self) -> bool:
        digits = self._line().split(b";", 1)[0].strip()
        # int() would also take signs, spaces and underscores.
        if not digits or len(digits) > 15 or any(each not in b"0123456789abcdefABCDEF" for each in digits):
            raise bad_request("Chunked body: bad chunk size")
        self._left = int(digits, 16)
        if self._left:
            return True
        while self._line():
            pass  # trailers, which nobody reads
        self.finished = True
        return False

    def _line(self) -> bytes:
        line = self._wire.readline(LINE_BYTES_MAX)
        if not line.endswith(b"\n"):
            raise _cut_short("the last chunk is missing")
        return line.rstrip(b"\r\n")


class Decompressed:
    """A compressed body, unpacked a piece at a time: a bomb cannot grow beyond what is asked for."""

    def __init__(self, source: Source, encoding: str, *, piece_bytes: int) -> None:
        self._source = source
        self._make, self._error, self._fault = _CODECS[encoding]
        self._codec = self._make()
        self._piece_bytes = piece_bytes
        self._pending = b""
        self._started = False
        self._ended = False
        self._frames = 1
        self._unpacked = 0

    def read(self, size: int) -> bytes:
        while not self._ended:
            piece = self._step(size)
            if piece:
                return piece
        return b""

    def _step(self, size: int) -> bytes:
        if self._codec.eof:
            rest = self._codec.unused_data or self._pending or self._source.read(self._piece_bytes)
            self._pending = b""
            if not rest:
                self._ended = True
                return b""
            self._count_frame()
            self._codec, self._pending = self._make(), rest
        if self._codec.needs_input and not self._pending:
            self._pending = self._source.read(self._piece_bytes)
            if not self._pending:
                if self._started:
                    raise Refused(*self._fault, "Compressed body is cut short.")
                self._ended = True
                return b""
        self._started = True
        data, self._pending = self._pending, b""
        try:
            piece = bytes(self._codec.decompress(data, size))
        except self._error as error:
            raise Refused(*self._fault, f"Cannot decompress the body: {error}.") from None
        self._unpacked += len(piece)
        return piece

    def _count_frame(self) -> None:
        """Each costs time, and of those that hold nothing any number comes to no length at all."""
        self._frames += 1
        if self._frames > FRAMES_MAX + self._unpacked // FRAME_BYTES_MIN:
            raise Refused(*self._fault, "The body comes in too many small parts; compress more at once.")


class _Inflate:
    """zlib with the interface of the other two."""

    def __init__(self, window_bits: int) -> None:
        self._inner = zlib.decompressobj(window_bits)
        self._full = False

    def decompress(self, data: bytes, max_length: int) -> bytes:
        unpacked = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        # A full answer may leave more inside, with all input taken.
        self._full = len(unpacked) == max_length
        return unpacked

    @property
    def needs_input(self) -> bool:
        return not self._full and not self._inner.unconsumed_tail

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


_ZLIB = (354, "ZLIB_INFLATE_FAILED")
_CODECS: dict[str, tuple[Callable[[], Any], type[Exception], tuple[int, str]]] = {
    "gzip": (lambda: _Inflate(31), zlib.error, _ZLIB),
    "deflate": (lambda: _Inflate(15), zlib.error, _ZLIB),
    "zstd": (zstd.ZstdDecompressor, zstd.ZstdError, (561, "ZSTD_DECODER_FAILED")),
    "lz4": (lz4.frame.LZ4FrameDecompressor, RuntimeError, (617, "LZ4_DECODER_FAILED")),
}


class Limited:
    """A source that ends a client's patience, not ours: more than `bytes_max` is refused."""

    def __init__(self, source: Source, bytes_max: int) -> None:
        self._source = source
        self._left = bytes_max
        self._bytes_max = bytes_max

    def read(self, size: int) -> bytes:
        piece = self._source.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise Refused(
                307, "TOO_MANY_BYTES", f"The body is larger than {self._bytes_max} bytes; send it in parts."
            )
        return piece


class Joined:
    """Bytes already at hand, then the rest of a source."""

    def __init__(self, first: bytes, then: Source) -> None:
        self._first = first
        self._then = then

    def read(self, size: int) -> bytes:
        if self._first:
            piece, self._first = self._first[:size], self._first[size:]
            return piece
        return self._then.read(size)


def decompressed(source: Source, encoding: str, *, piece_bytes: int) -> Source:
    """`source` unpacked as its Content-Encoding says. Refuses an encoding we do not know."""
    if encoding in {"", "identity"}:
        return source
    if encoding not in _CODECS:
        raise Refused(48, "NOT_IMPLEMENTED", f"Unknown Content-Encoding: {encoding[:40]}.")
    return Decompressed(source, encoding, piece_bytes=piece_bytes)


def read_all(source: Source, *, bytes_max: int, piece_bytes: int, what: str, way_out: str = "") -> bytes:
    """Everything, unless it is more than `bytes_max`."""
    pieces: list[bytes] = []
    size = 0
    while piece := source.read(piece_bytes):
        size += len(piece)
        if size > bytes_max:
            raise Refused(307, "TOO_MANY_BYTES", f"{what} is larger than {bytes_max} bytes{way_out}.")
        pieces.append(piece)
    return b"".join(pieces)


def _cut_short(how: str) -> Refused:
    return Refused(33, "CANNOT_READ_ALL_DATA", f"The request's body is cut short: {how}.")
