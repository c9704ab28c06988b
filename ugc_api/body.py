"""Reading a body without trusting what its sender says about it.

The bound holds for a Content-Length that lies, for one that is missing (chunked) and for a client that
never stops.
"""

from collections.abc import Callable
from typing import Any

from ugc_api.problems import Problem, ProblemCode, body_too_large

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
        piece = _piece(read, min(READ_STEP_BYTES, wanted - held))
        if not piece:
            break
        pieces.append(piece)
        held += len(piece)
    if held > bytes_max:
        raise body_too_large(bytes_max)
    if held < declared:
        raise Problem(ProblemCode.BAD_REQUEST, f"The body ended after {held} of {declared} bytes.")
    return b"".join(pieces)


def _piece(read: Callable[[int], bytes], size: int) -> bytes:
    try:
        return read(size)
    except TimeoutError:
        raise Problem(ProblemCode.REQUEST_TIMEOUT, "The body did not come to its end in time.") from None
    except Exception:  # noqa: BLE001 - each server has its own errors; it is the sender's stream that broke
        raise Problem(
            ProblemCode.BAD_REQUEST, "The body cannot be read: its chunks are broken, or it stopped."
        ) from None


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
