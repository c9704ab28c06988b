"""CSV on its way into Vertica's COPY: compressed as it is read, so that its cost is part of the load."""

import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

Compression = Literal["ZSTD", "GZIP"]
# The cheapest of gzip: a load is held up by whoever compresses, not by the wire.
GZIP_LEVEL = 1
GZIP_WINDOW_BITS = 31
PIECE_BYTES = 2**18


class _Compressor(Protocol):
    def compress(self, piece: bytes) -> bytes: ...
    def flush(self) -> bytes: ...


class _Zstd:
    """Arrow's own, which is here wherever the benches are."""

    def __init__(self) -> None:
        self._sink = io.BytesIO()
        # Arrow would close what it writes to; what came last is still to be read then.
        self._held = _Held(self._sink)
        self._stream: Any = pa.CompressedOutputStream(pa.PythonFile(self._held, mode="w"), "zstd")

    def compress(self, piece: bytes) -> bytes:
        self._stream.write(piece)
        return self._taken()

    def flush(self) -> bytes:
        self._stream.close()
        return self._taken()

    def _taken(self) -> bytes:
        data = self._sink.getvalue()
        self._sink.seek(0)
        self._sink.truncate()
        return data


class _Held(io.RawIOBase):
    """A sink that stays open when it is closed."""

    def __init__(self, sink: io.BytesIO) -> None:
        super().__init__()
        self._sink = sink

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._sink.write(data)


class CompressedFiles:
    """The files, one after the other, as one compressed stream: what `cursor.copy` reads from."""

    def __init__(self, files: Sequence[Path], compression: Compression) -> None:
        self._waiting = list(files)
        self._source: io.BufferedReader | None = None
        self._compressor: _Compressor | None = (
            _Zstd()
            if compression == "ZSTD"
            else zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW_BITS)
        )
        self._ready = b""

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that is left when it is negative; b'' at the end."""
        while self._compressor is not None and (size < 0 or len(self._ready) < size):
            piece = self._next_piece()
            if piece:
                self._ready += self._compressor.compress(piece)
            else:
                self._ready += self._compressor.flush()
                self._compressor = None
        if size < 0:
            size = len(self._ready)
        taken, self._ready = self._ready[:size], self._ready[size:]
        return taken

    def _next_piece(self) -> bytes:
        """Some bytes of the files, b'' after the last."""
        while True:
            if self._source is None:
                if not self._waiting:
                    return b""
                self._source = self._waiting.pop(0).open("rb")
            if piece := self._source.read(PIECE_BYTES):
                return piece
            self._source.close()
            self._source = None
