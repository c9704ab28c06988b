"""The shape of JSON that must not be decoded to be judged: how deep, how many keys, where things end.

All of it is linear in what is scanned and needs no recursion, whatever is sent. Brackets are counted, not
matched: who needs to know that the text is JSON asks a parser.
"""

import re
from typing import Final, NamedTuple

from contract.limits import PROPERTIES_DEPTH_MAX, PROPERTIES_KEYS_MAX

# Deeper than any valid event (properties are its second level), and far above every parser's own limit.
PRUNED_DEPTH: Final = 16

# Possessive throughout, and an open string runs to the end of the text: nothing is ever scanned twice.
_STRING = r'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?'
_NESTING = re.compile(_STRING + r"|([\[{]++)|([\]}]++)", re.DOTALL)
_MEMBERS_BYTES = re.compile(_STRING.encode() + rb"|([\[{]++)|([\]}]++)|(:)", re.DOTALL)


# A byte is counted quicker by its number.
_OBJECT, _ARRAY, _COLON = b"{[:"
# A member takes four bytes at least, `"":0`, and a comma.
_FEW_KEYS_BYTES: Final = 5 * PROPERTIES_KEYS_MAX


class Shape(NamedTuple):
    """How many members an object has, repeated keys each counted, and how many levels, itself the first."""

    keys: int
    depth: int


def is_modest(properties: bytes) -> bool:
    """Whether properties are within the limits of keys and depth at a glance. False says nothing."""
    return properties.count(_OBJECT) + properties.count(_ARRAY) <= PROPERTIES_DEPTH_MAX and (
        len(properties) <= _FEW_KEYS_BYTES or properties.count(_COLON) <= PROPERTIES_KEYS_MAX
    )


def shape_of(properties: bytes) -> Shape:
    """The shape of a JSON object."""
    keys = depth = deepest = 0
    for token in _MEMBERS_BYTES.finditer(properties):
        kind = token.lastindex
        if kind == 1:
            depth += token.end() - token.start()
            deepest = max(deepest, depth)
        elif kind == 2:
            depth -= token.end() - token.start()
        elif kind == 3 and depth == 1:
            keys += 1
    return Shape(keys, deepest)


def pruned_from(text: str, start: int) -> tuple[str, int]:
    """The array or object that opens at `start`, pruned, and where it ends: at the end of `text` at last.

    Pruned means a 0 in place of whatever is nested deeper than `PRUNED_DEPTH`. What is left parses within
    every parser's depth, and breaks the same rules at the same places: nothing in an event may be that deep.
    """
    kept: list[str] = []
    copied = start
    depth = 0
    for token in _NESTING.finditer(text, start):
        kind = token.lastindex
        if kind is None:
            continue
        begin, end = token.span()
        if kind == 1:
            before, depth = depth, depth + end - begin
            if before <= PRUNED_DEPTH < depth:
                kept += (text[copied : begin + PRUNED_DEPTH - before], "0")
        else:
            before, depth = depth, depth + begin - end
            if depth <= PRUNED_DEPTH < before:
                copied = begin + before - PRUNED_DEPTH
            if depth <= 0:
                end += depth
                kept.append(text[copied:end])
                return "".join(kept), end
    if depth <= PRUNED_DEPTH:
        kept.append(text[copied:])
    return "".join(kept), len(text)


def pruned(raw: bytes) -> bytes:
    """`raw` with its first array or object pruned; `raw` itself when nothing in it is that deep."""
    if raw.count(b"{") + raw.count(b"[") <= PRUNED_DEPTH:
        return raw
    # A character a byte, so that bytes that are not UTF-8 come out as they went in.
    text = raw.decode("latin-1")
    first = next(token.start() for token in _NESTING.finditer(text) if token.lastindex)
    less, end = pruned_from(text, first)
    return (text[:first] + less + text[end:]).encode("latin-1")
