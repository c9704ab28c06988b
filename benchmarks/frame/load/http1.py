"""As much of an HTTP/1.1 client as a load generator needs, and as fast as Python lets it be.

One connection, kept alive, one request on it at a time, whose bytes are ready before the load begins. The
answer's status and body are read and nothing else of it. What ends without a whole answer is a failure with
a name: `refused`, `reset`, `timeout`, `malformed`.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Literal

Failure = Literal["refused", "reset", "timeout", "malformed"]
# status, body; or a failure and nothing.
Done = Callable[["Connection", int | Failure, bytes], None]

HEAD_END = b"\r\n\r\n"
HEAD_BYTES_MAX = 65_536
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)
_CLOSE = re.compile(rb"\r\nconnection:[ \t]*close", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]+)[^\r\n]*\r\n")


def request(method: str, path: str, *, host: str, body: bytes = b"", headers: dict[str, str]) -> bytes:
    """A whole request, ready to be sent."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or method not in ("GET", "HEAD"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + HEAD_END + body


class Connection(asyncio.Protocol):
    """Tells `done` how each request ended; `idle` afterwards unless the server closed it."""

    def __init__(self, done: Done) -> None:
        self._done = done
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._waiting = False
        # Free for the owner: which request this connection carries, and since when.
        self.due_s = 0.0
        self.sent_s = 0.0

    @property
    def open(self) -> bool:
        """Whether it can be sent on."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, prepared: bytes) -> None:
        """Send one request; `done` is called once for it, whatever happens."""
        if self._transport is None or self._waiting:
            raise RuntimeError("one request at a time, on an open connection")
        self._waiting = True
        self._transport.write(prepared)

    def fail(self, failure: Failure) -> None:
        """Give the connection up; the request on it failed."""
        self.close()
        self._end(failure, b"")

    def close(self) -> None:
        """Drop it."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's word that it is open."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what create_connection makes
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it was lost
        """asyncio's word that it is gone; an answer without a length ends with it."""
        self._transport = None
        if self._waiting:
            whole = _answer(self._buffer, ended=True)
            self._end(*(whole[:2] if whole else ("reset", b"")))

    def data_received(self, data: bytes) -> None:
        """asyncio's next piece of the answer."""
        self._buffer = self._buffer + data if self._buffer else data
        try:
            whole = _answer(self._buffer, ended=False)
        except ValueError:
            self.fail("malformed")
            return
        if whole is None:
            return
        status, body, closes = whole
        if closes:
            self.close()
        self._end(status, body)

    def _end(self, outcome: int | Failure, body: bytes) -> None:
        if self._waiting:
            self._waiting, self._buffer = False, b""
            self._done(self, outcome, body)


def _answer(data: bytes, *, ended: bool) -> tuple[int, bytes, bool] | None:
    """Status, body, and whether the server closes; None while it is not whole. ValueError: not HTTP."""
    end = data.find(HEAD_END)
    if end < 0:
        if len(data) > HEAD_BYTES_MAX:
            raise ValueError("the head does not end")
        return None
    head = data[:end]
    if not head.startswith(b"HTTP/1."):
        raise ValueError("not HTTP")
    status, begin = int(head[9:12]), end + len(HEAD_END)
    closes = _CLOSE.search(head) is not None
    length = _LENGTH.search(head)
    if length is not None:
        stop = begin + int(length[1])
        return (status, data[begin:stop], closes) if len(data) >= stop else None
    if _CHUNKED.search(head):
        body = _dechunked(data, begin)
        return None if body is None else (status, body, closes)
    return (status, data[begin:], True) if ended else None


def _dechunked(data: bytes, at: int) -> bytes | None:
    parts: list[bytes] = []
    while True:
        size = _CHUNK_SIZE.match(data, at)
        if size is None:
            return None
        begin, length = size.end(), int(size[1], 16)
        at = begin + length + 2
        if len(data) < at:
            return None
        if length == 0:
            return b"".join(parts)
        parts.append(data[begin : begin + length])
