"""What a thread has in place of a socket: neither to hear nor to be heard does it wait for the other side."""

import os
import socket
from typing import IO

from gunicorn.http.unreader import Unreader  # type: ignore[import-untyped]

from ugc_api.server.incoming import Incoming

PIECE_BYTES = 64 * 1024
# Pieces handed to the kernel in one call; an answer has two as a rule, its head and its body.
PIECES_AT_ONCE = 64


class Heard(Unreader):  # type: ignore[misc]  # gunicorn has no types
    """What came of a request. There is no more: whoever asks for more is told that it ends here.

    A large body is handed out behind its head and in pieces: gunicorn copies what it is given several times.
    """

    def __init__(self) -> None:
        super().__init__()
        self._came = memoryview(b"")
        self._at = self._head_bytes = 0

    def hear(self, incoming: Incoming) -> None:
        """Hand this out from now on; it is taken out of `incoming`."""
        data, incoming.data = incoming.data, bytearray()
        self._came, self._at = memoryview(data), 0
        self._head_bytes = incoming.head_bytes if len(data) > PIECE_BYTES else 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        if self._at == 0:
            end = self._head_bytes or len(self._came)
        else:
            end = self._at + min(size_hint or PIECE_BYTES, PIECE_BYTES)
        piece = bytes(self._came[self._at : end])
        self._at += len(piece)
        return piece

    def keep_the_rest(self) -> None:
        """What is left begins the next request; `take_buffered` gives it back."""
        if self._at < len(self._came):
            self.buf.seek(0, os.SEEK_END)
            self.buf.write(self._came[self._at :])
        self._came, self._at = memoryview(b""), 0


class Outgoing:
    """An answer on its way out: what the socket does not take at once waits here, and no thread with it.

    To gunicorn it is the socket. Files are sent from where they lie; of them nothing is held in memory.
    """

    __slots__ = ("_pieces", "_sock")

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._pieces: list[memoryview | _Stretch] = []

    def sendall(self, data: bytes) -> None:
        """Lay it down; `flush` sends."""
        if data:
            self._pieces.append(memoryview(data))

    def sendfile(self, file: IO[bytes], offset: int, count: int) -> None:
        """The same with a stretch of a file, which may be closed meanwhile."""
        self._pieces.append(_Stretch(os.dup(file.fileno()), offset, count))

    def setblocking(self, _: bool) -> None:
        """It never blocks."""

    def shutdown(self, _: int) -> None:
        """gunicorn gives the answer up: it broke in the middle, and there is no end to add."""
        self.drop()

    def settimeout(self, _: float) -> None:
        """It has nothing to wait for."""

    def recv(self, _: int) -> bytes:
        """Nothing more is heard of this connection."""
        return b""

    def close(self) -> None:
        """The socket itself is the poller's to close."""

    def begin(self) -> bool:
        """Send what is taken now; whether anybody is there to take the rest."""
        try:
            self.flush()
        except OSError:
            self.drop()
            return False
        return True

    def flush(self) -> bool:
        """Send what is taken now; whether that was all. Raises OSError when nobody is there to take it."""
        while self._pieces:
            try:
                self._send()
            except (BlockingIOError, InterruptedError):
                return False
        return True

    def waits(self) -> bool:
        """Whether something is not sent yet."""
        return bool(self._pieces)

    def bytes_held(self) -> int:
        """How much memory that takes."""
        return sum(len(piece) for piece in self._pieces if isinstance(piece, memoryview))

    def drop(self) -> None:
        """Forget what is left."""
        for piece in self._pieces:
            if isinstance(piece, _Stretch):
                piece.close()
        self._pieces.clear()

    def _send(self) -> None:
        first = self._pieces[0]
        if isinstance(first, _Stretch):
            if first.send(self._sock):
                del self._pieces[0]
            return
        views: list[memoryview] = []
        for piece in self._pieces[:PIECES_AT_ONCE]:
            if not isinstance(piece, memoryview):
                break
            views.append(piece)
        sent = self._sock.sendmsg(views)
        for view in views:
            if sent < len(view):
                self._pieces[0] = view[sent:]
                return
            sent -= len(view)
            del self._pieces[0]


class _Stretch:
    """So much of a file, from here on."""

    def __init__(self, descriptor: int, offset: int, count: int) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._left = count

    def send(self, sock: socket.socket) -> bool:
        """Send some; whether that was the last of it."""
        sent = os.sendfile(sock.fileno(), self._descriptor, self._offset, self._left)
        if not sent:
            raise BrokenPipeError("the file has become shorter than was said")
        self._offset += sent
        self._left -= sent
        if not self._left:
            self.close()
        return not self._left

    def close(self) -> None:
        os.close(self._descriptor)
