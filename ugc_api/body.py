"""Reading a body without trusting what its sender says about it.

The bound holds for a Content-Length that lies, for one that is missing (chunked) and for a client that
never stops. A client that is still sending when it is refused gets to read why: the rest of its body is
taken off the wire and thrown away, as far as `DRAIN_BYTES_MAX` and `DRAIN_S_MAX` go.
"""

import socket
from collections.abc import Callable
from typing import Any

from telemetry.clock import Clock
from ugc_api.problems import Problem, ProblemCode, body_too_large

DRAIN_BYTES_MAX = 16 * 1024 * 1024
DRAIN_S_MAX = 2.0
READ_STEP_BYTES = 64 * 1024

Environ = dict[str, Any]


def read_body(environ: Environ, *, bytes_max: int) -> bytes:
    """The whole body. Raises Problem(body_too_large) beyond `bytes_max`, having held no more than that."""
    declared = _declared_length(environ)
    if declared is None:
        return b""
    if declared > bytes_max:
        raise body_too_large(bytes_max)
    read: Callable[[int], bytes] = environ["wsgi.input"].read
    pieces: list[bytes] = []
    held = 0
    wanted = declared if declared >= 0 else bytes_max + 1
    while held < wanted:
        piece = read(min(READ_STEP_BYTES, wanted - held))
        if not piece:
            break
        pieces.append(piece)
        held += len(piece)
    if held > bytes_max:
        raise body_too_large(bytes_max)
    if held < declared:
        raise Problem(ProblemCode.BAD_REQUEST, f"The body ended after {held} of {declared} bytes.")
    return b"".join(pieces)


def drain(environ: Environ, *, clock: Clock) -> None:
    """Throw the unread rest of the body away, within the bounds above; never raises.

    For after the answer was sent. A sender who is not done by then is hung up on.
    """
    connection: socket.socket | None = environ.get("gunicorn.socket")
    try:
        if not _drained(environ, connection, clock) and connection is not None:
            # The server would wait for the rest with this thread; now it finds the end of the stream.
            connection.shutdown(socket.SHUT_RD)
    except Exception:  # noqa: BLE001, S110 - the answer is sent already; a broken sender changes nothing
        pass


def _drained(environ: Environ, connection: socket.socket | None, clock: Clock) -> bool:
    declared = _declared_length(environ)
    if declared is None:
        return True
    deadline = clock.monotonic() + DRAIN_S_MAX
    left = DRAIN_BYTES_MAX if declared < 0 else min(declared, DRAIN_BYTES_MAX)
    while left > 0 and (remaining_s := deadline - clock.monotonic()) > 0:
        if connection is not None:
            # A sender who stops without closing must not keep this thread.
            connection.settimeout(remaining_s)
        try:
            piece = environ["wsgi.input"].read(min(READ_STEP_BYTES, left))
        except TimeoutError:
            return False
        if not piece:
            return True
        left -= len(piece)
    return left == 0 and declared >= 0


def _declared_length(environ: Environ) -> int | None:
    """Content-Length; -1 when the body is chunked and only its end will tell; None when there is no body."""
    if environ.get("wsgi.input_terminated") and environ.get("HTTP_TRANSFER_ENCODING"):
        return -1
    text = environ.get("CONTENT_LENGTH") or ""
    if not text:
        return None
    # int() would take "+5", " 5" and "1_0", which a proxy in front may read differently.
    if not (text.isascii() and text.isdigit()) or len(text) > 15:
        raise Problem(ProblemCode.BAD_REQUEST, "Content-Length is not a number of bytes.")
    return int(text)
