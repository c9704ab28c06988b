"""A body cut into its events, each as its very bytes, so that one bad event costs one event.

The fast way is msgspec's. It refuses a whole body for an event that JSON allows and it does not: one that
holds half a surrogate pair, or nests deeper than it recurses. Such a body is cut again, slowly, with the
standard library's parser.
"""

import json
from json.decoder import WHITESPACE  # type: ignore[attr-defined]
from typing import Final, NoReturn

import msgspec

from contract.shape import pruned_from

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_ARRAY: Final = msgspec.json.Decoder(list[msgspec.Raw])
_ONE: Final = msgspec.json.Decoder(msgspec.Raw)


class NotJson(ValueError):  # noqa: N818 - what the body is, said to its sender
    """The body as a whole is not JSON, so there are no events to speak of. The message says where."""


def split(body: bytes) -> list[bytes]:
    """The members of a JSON array, or the one value that the body is. Raises NotJson.

    Every piece is as it was sent, but for one that nests deeper than the parser recurses: it comes pruned.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK)
    text_or_none = None if body.isascii() else _decoded(body)
    start = body.lstrip()[:1]
    if not start:
        raise NotJson("The body is empty; send a JSON array of events.")
    try:
        if start == b"[":
            return [bytes(piece) for piece in _ARRAY.decode(body)]
        return [bytes(_ONE.decode(body))]
    except (msgspec.DecodeError, RecursionError):
        return _split_slowly(body.decode() if text_or_none is None else text_or_none)


def split_lines(body: bytes) -> list[bytes]:
    """The lines of NDJSON that are not blank. Whether each is JSON is for `read` to say."""
    lines = body.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
    return [stripped for line in lines if (stripped := line.strip())]


def strict_json() -> json.JSONDecoder:
    """A parser that takes what JSON is and nothing else, half surrogate pairs and long numbers included.

    Raises JSONDecodeError, or a plain ValueError at NaN and Infinity.
    """
    return json.JSONDecoder(parse_constant=_no_number, parse_int=float)


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotJson(f"The body is not UTF-8: byte {error.start} cannot stand where it stands.") from None


def _split_slowly(text: str) -> list[bytes]:
    parser = strict_json()
    at = _past_space(text, 0)
    if text[at] != "[":
        piece, end = _value_at(parser, text, at)
        _require_end(text, end)
        return [piece.encode()]
    pieces: list[bytes] = []
    at = _past_space(text, at + 1)
    if text.startswith("]", at):
        _require_end(text, at + 1)
        return pieces
    while True:
        piece, end = _value_at(parser, text, at)
        pieces.append(piece.encode())
        at = _past_space(text, end)
        if text.startswith("]", at):
            _require_end(text, at + 1)
            return pieces
        if not text.startswith(",", at):
            raise _broken(text, at, "a comma or the end of the array is missing")
        at = _past_space(text, at + 1)


def _value_at(parser: json.JSONDecoder, text: str, start: int) -> tuple[str, int]:
    try:
        end = parser.raw_decode(text, start)[1]
    except json.JSONDecodeError as error:
        raise _broken(text, error.pos, error.msg[:1].lower() + error.msg[1:]) from None
    except ValueError as error:
        raise NotJson(f"The body is not JSON: {error}.") from None
    except RecursionError:
        return _pruned_value_at(parser, text, start)
    return text[start:end], end


def _pruned_value_at(parser: json.JSONDecoder, text: str, start: int) -> tuple[str, int]:
    piece, end = pruned_from(text, start)
    try:
        parser.decode(piece)
    except ValueError as error:
        raise NotJson(f"The body is not JSON: in what begins at character {start:,}, {error}.") from None
    return piece, end


def _past_space(text: str, at: int) -> int:
    matched = WHITESPACE.match(text, at)
    return int(matched.end())


def _require_end(text: str, end: int) -> None:
    after = _past_space(text, end)
    if after != len(text):
        raise _broken(text, after, "something follows after its end")


def _broken(text: str, at: int, why: str) -> NotJson:
    byte = len(text[:at].encode())
    return NotJson(f"The body is not JSON: at byte {byte:,}, {why}.")


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"JSON has no number {name}")
