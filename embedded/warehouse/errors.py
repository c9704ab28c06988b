"""What this server answers when it cannot do what was asked: ClickHouse's codes, names and HTTP statuses."""

import re

from embedded.warehouse.lost_text import take_lost_text
from telemetry.errors import OperatorError


class WarehouseError(OperatorError):
    """The warehouse cannot start here; the message says what happened and what to do next."""


class Refused(Exception):  # noqa: N818 - an answer, not a fault of the program
    """One request failed, with ClickHouse's own code and name, so that every client understands it."""

    def __init__(self, code: int, name: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.message = message

    def text(self, version: str) -> str:
        """The line a ClickHouse server would send."""
        return f"Code: {self.code}. DB::Exception: {self.message} ({self.name}) (version {version})\n"

    @property
    def status(self) -> int:
        """The HTTP status a ClickHouse server uses for this code."""
        return STATUS_OF_CODE.get(self.code, 500)


STATUS_OF_CODE = {
    **dict.fromkeys((192, 193, 497, 516), 403),
    194: 401,  # REQUIRED_PASSWORD
    **dict.fromkeys((6, 7, 8, 15, 16, 25, 26, 27, 36, 38, 41, 44, 53, 62, 72, 117), 400),
    **dict.fromkeys((167, 168, 223, 321, 376, 427, 441, 675, 676), 400),
    **dict.fromkeys((46, 47, 50, 56, 60, 63, 73, 78, 81, 115, 152, 336, 511), 404),
    159: 408,  # TIMEOUT_EXCEEDED
    381: 411,  # HTTP_LENGTH_REQUIRED
    307: 413,  # TOO_MANY_BYTES, sent by this server for a body above its limit
    415: 415,
    48: 501,  # NOT_IMPLEMENTED
    **dict.fromkeys((76, 209, 439), 503),
}

# Whoever asks may write a message of any length (`throwIf`), and no limit holds what we do with it.
MESSAGE_CHARS_MAX = 16 * 1024
_HEAD_CHARS = 12 * 1024
_END_CHARS = 256
_ENGINE_ERROR = re.compile(r"Code: (\d+)\. DB::Exception: ")
_NAMED_AT_END = re.compile(r" \(([A-Z][A-Z0-9_]+)\)(?: \(version [^()]*\))?\s*\Z")
_VERSION_AT_END = re.compile(r" \(version [^()]*\)\.?\Z")
_JUDGE_SCOPE = re.compile(r"[.:]? ?:? In scope SELECT (?:parseQueryToJSON|formatQuery)\(.*$", re.DOTALL)
_OUR_MARK = re.compile(r"/\* ugc:[^*]* \*/ ?")


def from_engine(error: Exception) -> Refused:
    """What the engine said, without the wrapping its Python layer puts around it."""
    text = _OUR_MARK.sub("", _shortened(_text(error)))
    found = _ENGINE_ERROR.search(text)
    if found is None:
        return Refused(1002, "UNKNOWN_EXCEPTION", text.strip() or type(error).__name__)
    code, message = int(found[1]), text[found.end() :]
    named = _NAMED_AT_END.search(message, max(0, len(message) - _END_CHARS))
    if named is None:
        # A message that quotes a zero byte of the data ends there.
        return Refused(code, "UNKNOWN_EXCEPTION", message.strip() or "No more is known")
    message, name = _JUDGE_SCOPE.sub("", message[: named.start()]), named[1]
    inner = _ENGINE_ERROR.match(message)
    if inner and (version := _VERSION_AT_END.search(message, max(0, len(message) - _END_CHARS))):
        # An exception that passed through another one says everything twice.
        message = message[inner.end() : version.start()].removesuffix(f" ({name})")
    return Refused(code, name, message if message.endswith((".", "!", "?")) else f"{message}.")


def _shortened(text: str) -> str:
    """Its head and its end, where what it is stands."""
    if len(text) <= MESSAGE_CHARS_MAX:
        return text
    return f"{text[:_HEAD_CHARS]} … {text[_HEAD_CHARS - MESSAGE_CHARS_MAX :]}"


def _text(error: Exception) -> str:
    """The engine's message. One that quotes what is not UTF-8 comes as an error about that, or empty."""
    cause = error.__cause__ or error
    if isinstance(cause, UnicodeDecodeError):
        return bytes(cause.object).decode("utf-8", "replace")
    if not str(cause):
        return take_lost_text().decode("utf-8", "replace") or str(error)
    return str(error)


def access_denied(user: str, what: str) -> Refused:
    """`user` lacks a right."""
    return Refused(497, "ACCESS_DENIED", f"{user}: Not enough privileges. {what}.")


def readonly(what: str) -> Refused:
    """The statement writes, and whoever sends it may only read."""
    return Refused(164, "READONLY", what)


def bad_request(message: str) -> Refused:
    """The HTTP request itself makes no sense."""
    return Refused(36, "BAD_ARGUMENTS", message)
