"""A request while it comes in: is it all here? Pure: bytes in, a stage out.

It only counts. Whether what is here is good HTTP is for the server's parser to say, which reads it all again;
what could not be counted goes to it at once, and it refuses that without waiting for more.
"""

import re
from enum import Enum

HEAD_BYTES_MAX = 64 * 1024
# As many as gunicorn can be told: five segments of 200 letters fit, Cyrillic ones in percent too.
REQUEST_LINE_BYTES_MAX = 8_190
# The longest line that says how long a chunk is; the parser takes 8,190 bytes.
CHUNK_LINE_BYTES_MAX = 8 * 1024
# A body of one byte a chunk costs its sender little and every reader of it much.
CHUNKS_MAX = 4_096
# The parser asks for so many at least, so that much more than is taken must be here before it is asked.
READ_AHEAD_BYTES = 1_024
# What a body in chunks may come to with all that is said of the chunks.
CHUNKED_BYTES_A_BYTE = 2
LENGTH_DIGITS_MAX = 15
END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length:"
CODING = b"\r\ntransfer-encoding:"
EXPECT = b"\r\nexpect:"
PACKED = b"\r\ncontent-encoding:"
# What a byte of a packed body is taken for; JSON packs some ten times smaller.
PACKED_BYTES_A_BYTE = 32
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,15}(?=[ \t]*(?:;|$))")


class Stage(Enum):
    """How far a request has come."""

    HEAD = "head"
    BODY = "body"
    WHOLE = "whole"
    # The rest does not matter: what is here is enough to refuse it.
    ENOUGH = "enough"
    CODING_UNKNOWN = "coding_unknown"
    HEAD_TOO_LARGE = "head_too_large"
    BODY_TOO_LARGE = "body_too_large"


class Incoming:
    """The bytes that came so far. What is read of them twice is bounded, however they trickle."""

    __slots__ = (
        "_at",
        "_body_bytes_max",
        "_chunked",
        "_chunks_seen",
        "_ends_at",
        "_packed",
        "_taken",
        "data",
        "expects",
        "head_bytes",
        "stage",
    )

    def __init__(self, *, body_bytes_max: int) -> None:
        self._body_bytes_max = body_bytes_max
        self.data = bytearray()
        self.stage = Stage.HEAD
        # Where the head ends; 0 while that is not known.
        self.head_bytes = 0
        # The head asks to be told to go on before the body is sent.
        self.expects = False
        self._chunked = False
        self._packed = False
        self._chunks_seen = 0
        self._at = 0
        self._ends_at = 0
        self._taken = 0

    def add(self, piece: bytes) -> Stage:
        """More bytes; the stage they lead to."""
        self.data += piece
        if self.stage is Stage.HEAD:
            self.stage = self._head(piece)
        if self.stage is Stage.BODY:
            self.stage = self._body()
        return self.stage

    def missing(self) -> int:
        """How many bytes are certain to come still; 0 when that is not known."""
        return max(0, self._ends_at - len(self.data))

    def weight(self) -> int:
        """How many bytes it may come to when it is worked on."""
        came = len(self.data)
        return max(came, min(PACKED_BYTES_A_BYTE * came, self._body_bytes_max)) if self._packed else came

    def _head(self, piece: bytes) -> Stage:
        data = self.data
        end = data.find(END_OF_HEAD, max(0, len(data) - len(piece) - len(END_OF_HEAD)))
        if end < 0:
            if len(data) > HEAD_BYTES_MAX:
                return Stage.HEAD_TOO_LARGE
            # A line that ends otherwise: the parser says no to it, so the end of the head would not come.
            alone = b"\n" in piece and data.count(b"\n") != data.count(b"\r\n")
            return Stage.ENOUGH if alone else Stage.HEAD
        self._at = self.head_bytes = end + len(END_OF_HEAD)
        return self._framing(bytes(data[: end + 2]).lower())

    def _framing(self, head: bytes) -> Stage:
        self.expects = EXPECT in head and b" http/1.1\r\n" in head
        self._packed = PACKED in head
        length = head.find(LENGTH)
        if CODING in head:
            if _value(head, head.find(CODING) + len(CODING)) != b"chunked":
                return Stage.CODING_UNKNOWN
            self._chunked = True
            # Of both at once nobody can tell the end.
            return Stage.BODY if length < 0 else Stage.ENOUGH
        if length < 0:
            return Stage.WHOLE
        said = _value(head, length + len(LENGTH))
        if not said.isdigit() or len(said) > LENGTH_DIGITS_MAX or head.find(LENGTH, length + 1) >= 0:
            return Stage.ENOUGH
        if int(said) > self._body_bytes_max:
            return Stage.ENOUGH
        self._ends_at = self._at + int(said)
        return Stage.BODY

    def _body(self) -> Stage:
        if self._chunked:
            return self._chunks()
        return Stage.BODY if len(self.data) < self._ends_at else Stage.WHOLE

    def _chunks(self) -> Stage:
        """Walk over the chunks that are here; stays before the first that is not whole."""
        while True:
            line_end = self.data.find(b"\r\n", self._at)
            if line_end < 0:
                endless = len(self.data) - self._at > CHUNK_LINE_BYTES_MAX
                return Stage.ENOUGH if endless else self._bounded()
            said = _CHUNK_SIZE.match(bytes(self.data[self._at : line_end]))
            if said is None:
                return Stage.ENOUGH
            size = int(said.group(), 16)
            if size == 0:
                return self._trailers(line_end)
            stage = self._chunk(line_end + 2, size)
            if stage is not None:
                return stage

    def _chunk(self, start: int, size: int) -> Stage | None:
        """The stage that ends the walk; None when this chunk is here and the next may be."""
        here = len(self.data) - start
        if self._taken + min(size, here) > self._body_bytes_max + READ_AHEAD_BYTES:
            return Stage.ENOUGH
        if here < size + 2:
            return self._bounded()
        if self.data[start + size : start + size + 2] != b"\r\n":
            return Stage.ENOUGH
        self._chunks_seen += 1
        self._taken += size
        self._at = start + size + 2
        return Stage.BODY_TOO_LARGE if self._chunks_seen > CHUNKS_MAX else None

    def _trailers(self, line_end: int) -> Stage:
        if self.data.startswith(b"\r\n", line_end + 2) or self.data.find(END_OF_HEAD, line_end) >= 0:
            return Stage.WHOLE
        # They are looked through with every piece that comes, so there may not be many of them.
        return Stage.HEAD_TOO_LARGE if len(self.data) - line_end > HEAD_BYTES_MAX else self._bounded()

    def _bounded(self) -> Stage:
        beyond = len(self.data) > HEAD_BYTES_MAX + CHUNKED_BYTES_A_BYTE * self._body_bytes_max
        return Stage.BODY_TOO_LARGE if beyond else Stage.BODY


def _value(head: bytes, start: int) -> bytes:
    return head[start : head.index(b"\r\n", start)].strip(b" \t")
