"""The events of a file, each as the very bytes that stand in it: the collector judges them, not we.

A JSON array, one object over many lines, or one value a line (NDJSON); UTF-8, with or without a byte-order
mark. The contract's own splitter cuts them, so what the collector would read is what is sent.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from contract.splitting import NotJson, split
from telemetry.errors import OperatorError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
STANDARD_INPUT = "-"


class BadFile(OperatorError):  # noqa: N818 - what happened, said to a person
    """The file cannot be read, or is not JSON from some place on; the message says which place."""


def events_of(file: Path) -> Iterator[bytes]:
    """The events, in order. Raises BadFile where they stop being JSON, after those before it."""
    name = name_of(file)
    body = _bytes_of(file, name).removeprefix(BYTE_ORDER_MARK)
    if _is_one_document(body):
        yield from _split(body, name)
        return
    # At \n alone: other line separators may stand inside a JSON string.
    for number, line in enumerate(body.split(b"\n"), 1):
        if line.strip():
            yield from _split(line, f"{name}: line {number}")


def name_of(file: Path) -> str:
    """How a person knows it."""
    return "standard input" if str(file) == STANDARD_INPUT else str(file)


def _bytes_of(file: Path, name: str) -> bytes:
    try:
        if str(file) == STANDARD_INPUT:
            return sys.stdin.buffer.read()
        return file.read_bytes()
    except OSError as error:
        raise BadFile(f"cannot read {name}: {error.strerror or error}") from None


def _is_one_document(body: bytes) -> bool:
    """An array, or an object that goes on after its first line."""
    start = body.lstrip()
    if start.startswith(b"["):
        return True
    first, _, rest = start.partition(b"\n")
    if not rest.strip():
        return False
    try:
        split(first)
    except NotJson:
        # A line that is closed and yet broken is a bad line, not the beginning of something longer.
        return not first.rstrip().endswith(b"}") or _is_json(body)
    return False


def _is_json(body: bytes) -> bool:
    try:
        split(body)
    except NotJson:
        return False
    return True


def _split(body: bytes, where: str) -> list[bytes]:
    try:
        return split(body)
    except NotJson as error:
        raise BadFile(f"{where} {str(error).removeprefix('The body ').removesuffix('.')}") from None
