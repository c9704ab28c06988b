"""The answer on its way out: whole or streamed, compressed as the client accepts, honest when broken off."""

import json
import secrets
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import lz4.frame  # type: ignore[import-untyped]
from backports import zstd

from embedded.warehouse.engine import Counted
from embedded.warehouse.errors import Refused

_CHOICE = ("lz4", "zstd", "gzip", "deflate")


class Outlet(Protocol):
    """The HTTP connection's writing half."""

    def let_in(self) -> None:
        """No stranger: what he still sends is waited for longer, so that he comes to read the answer."""
        ...

    def start(self, status: int, headers: Mapping[str, str]) -> None: ...
    def write(self, data: bytes) -> None: ...

    def break_off(self) -> None:
        """End the answer so that no client can take it for a whole one."""
        ...


class Reply:
    """One answer. `begin`, `write` ..., `end`; or `whole`; and `fail` at any time; then `flush`.

    The last byte leaves with `flush`, when the request has given back its session and its query id: the
    client may use them again the moment it has read the answer.
    """

    def __init__(self, outlet: Outlet, headers: Mapping[str, str], version: str) -> None:
        self._outlet = outlet
        self.headers = dict(headers)
        self._version = version
        self._tag = ""
        self._codec: Any = None
        self.encoding = ""
        self.begun = False
        self._held_back: tuple[dict[str, str], bytes] | None = None

    def accept(self, encodings: tuple[str, ...]) -> None:
        """Compress with the best of these that we have."""
        self.encoding = next((each for each in _CHOICE if each in encodings), "")

    def whole(self, data: bytes, counted: Counted, elapsed_ns: int) -> None:
        """All of it, with its length and its summary; sent by `flush`."""
        headers = {**self.headers, "X-ClickHouse-Summary": summary(counted, elapsed_ns)}
        # However short: some drivers take for compressed what they asked to be.
        if self.encoding and data:
            codec = _CODECS[self.encoding]()
            data = codec.compress(data) + codec.flush()
            headers["Content-Encoding"] = self.encoding
        self._held_back = ({**headers, "Content-Length": str(len(data))}, data)

    def flush(self) -> None:
        """Send what was held back."""
        if self._held_back is not None:
            headers, data = self._held_back
            self._held_back = None
            self.begun = True
            self._outlet.start(200, headers)
            self._outlet.write(data)

    def begin(self, counted: Counted, elapsed_ns: int) -> None:
        """Start an answer of unknown length."""
        # A client finds an error inside the data by this tag, which data cannot hold by accident.
        self._tag = secrets.token_hex(8)
        headers = {
            **self.headers,
            "X-ClickHouse-Summary": summary(counted, elapsed_ns),
            "X-ClickHouse-Exception-Tag": self._tag,
        }
        if self.encoding:
            self._codec = _CODECS[self.encoding]()
            headers["Content-Encoding"] = self.encoding
        self.begun = True
        self._outlet.start(200, headers)

    def write(self, data: bytes) -> None:
        packed = self._codec.compress(data) if self._codec else data
        if packed:
            self._outlet.write(packed)

    def end(self) -> None:
        if self._codec and (rest := self._codec.flush()):
            self._outlet.write(rest)

    def fail(self, refused: Refused) -> None:
        """Say what went wrong: as the answer, or inside of it when it is under way already."""
        text = refused.text(self._version).encode("utf-8", "replace")
        if not self.begun:
            self.begun = True
            headers = {key: value for key, value in self.headers.items() if key != "X-ClickHouse-Format"}
            headers |= {
                "Content-Type": "text/plain; charset=UTF-8",
                "X-ClickHouse-Exception-Code": str(refused.code),
                "Content-Length": str(len(text)),
            }
            self._outlet.start(refused.status, headers)
            self._outlet.write(text)
            return
        if self._tag:
            tag = self._tag.encode()
            self.write(
                b"\r\n__exception__\r\n%b\r\n%b%d %b\r\n__exception__\r\n" % (tag, text, len(text), tag)
            )
            self.end()
        self._outlet.break_off()


def summary(counted: Counted, elapsed_ns: int) -> str:
    """The X-ClickHouse-Summary header: numbers as strings, as ClickHouse writes them."""
    return json.dumps(
        {
            "read_rows": str(counted.read_rows),
            "read_bytes": str(counted.read_bytes),
            "written_rows": str(counted.written_rows),
            "written_bytes": str(counted.written_bytes),
            "total_rows_to_read": str(counted.read_rows),
            "result_rows": str(counted.result_rows),
            "result_bytes": str(counted.result_bytes),
            "elapsed_ns": str(elapsed_ns),
        },
        separators=(",", ":"),
    )


class _Lz4:
    """An LZ4 frame with the interface of zlib."""

    def __init__(self) -> None:
        self._inner = lz4.frame.LZ4FrameCompressor()
        self._head = self._inner.begin()

    def compress(self, data: bytes) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._inner.compress(data))

    def flush(self) -> bytes:
        head, self._head = self._head, b""
        return bytes(head + self._inner.flush())


_CODECS: dict[str, Callable[[], Any]] = {
    "lz4": _Lz4,
    "zstd": lambda: zstd.ZstdCompressor(level=1),
    "gzip": lambda: zlib.compressobj(3, zlib.DEFLATED, 31),
    "deflate": lambda: zlib.compressobj(3),
}
