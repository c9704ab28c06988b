"""How a body came: its media type says how it is cut into events, its Content-Encoding whether it is packed.

Both are read before the body is, so that nobody sends a mebibyte to hear that he sent the wrong kind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from werkzeug.http import parse_options_header

from contract import reading
from ugc_api.answers import JSON
from ugc_api.inflating import inflate
from ugc_api.problems import Problem, ProblemCode

Splitter = Callable[[bytes], list[bytes]]

# A beacon may send text without asking the server first; what it holds is JSON all the same.
TEXT = "text/plain"
NDJSON = "application/x-ndjson"
SPLITTERS: Mapping[str, Splitter] = {
    JSON: reading.split,
    TEXT: reading.split,
    NDJSON: reading.split_lines,
    "application/ndjson": reading.split_lines,
}
MEDIA_TYPES = (JSON, NDJSON, TEXT)
# What `curl --data` says when it is told nothing.
FORM = "application/x-www-form-urlencoded"
CHARSETS = frozenset({"", "utf-8", "utf8"})
GZIP = frozenset({"gzip", "x-gzip"})
SHOWN_CHARS = 64


@dataclass(frozen=True, slots=True)
class Form:
    """How one body is to be read."""

    split: Splitter
    packed: bool

    def unpack(self, body: bytes, *, bytes_max: int) -> bytes:
        """The body as it was before it was packed. Raises Problem, also when that has over `bytes_max`."""
        return inflate(body, bytes_max=bytes_max) if self.packed else body


def of(environ: Mapping[str, Any]) -> Form:
    """The form that the headers announce. Raises Problem for one that is not taken."""
    return _form(environ.get("CONTENT_TYPE", ""), environ.get("HTTP_CONTENT_ENCODING", ""))


# Senders say the same few things in every request.
@lru_cache(maxsize=256)
def _form(content_type: str, content_encoding: str) -> Form:
    return Form(_splitter(content_type), _is_packed(content_encoding))


def hint(body: bytes) -> str:
    """What to add for a sender whose body is no JSON because it is one event a line; mostly nothing."""
    lines = b"}\n{" in body or b"}\r\n{" in body
    return f" One event a line goes under Content-Type: {NDJSON}." if lines else ""


def _splitter(content_type: str) -> Splitter:
    said, parameters = parse_options_header(content_type)
    media_type = said.lower()
    splitter = SPLITTERS.get(media_type)
    if splitter is None:
        what = f"Content-Type {media_type[:SHOWN_CHARS]!r}" if media_type else "A missing Content-Type"
        why = " (curl sends it when it is told no other)" if media_type == FORM else ""
        raise _unsupported(f"{what} is not taken{why}; send one of {', '.join(MEDIA_TYPES)}.")
    charset = parameters.get("charset", "").lower()
    if charset not in CHARSETS:
        raise _unsupported(f"JSON is UTF-8; charset {charset[:SHOWN_CHARS]!r} is not.")
    return splitter


def _is_packed(content_encoding: str) -> bool:
    codings = [each for part in content_encoding.split(",") if (each := part.strip().lower())]
    packed = [each for each in codings if each != "identity"]
    if not packed:
        return False
    if len(packed) == 1 and packed[0] in GZIP:
        return True
    raise Problem(
        ProblemCode.UNSUPPORTED_ENCODING,
        f"Content-Encoding {content_encoding[:SHOWN_CHARS]!r} is not taken; pack the body once, with gzip.",
        headers={"Accept-Encoding": "gzip"},
    )


def _unsupported(detail: str) -> Problem:
    return Problem(ProblemCode.UNSUPPORTED_MEDIA_TYPE, detail, headers={"Accept": ", ".join(MEDIA_TYPES)})
