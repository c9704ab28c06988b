"""Where one statement's SQL ends and its data begins.

Only that: what a statement is and may do is asked of ClickHouse's own parser. If this scanner errs, the
header it cuts out is still what is judged and what is run, byte by byte up to its FORMAT, and the parser has
to find that FORMAT at its end: an error here costs a syntax error, no right.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    rb"""
    (?P<space>[\s\x00]+|--[^\n]*|//[^\n]*|\#[!\ ][^\n]*|/\*.*?(?:\*/|\Z))
  | (?P<text>'(?:[^'\\]|\\.|'')*(?:'|\Z))
  | (?P<name>`(?:[^`\\]|\\.|``)*(?:`|\Z)|"(?:[^"\\]|\\.|"")*(?:"|\Z))
  | (?P<heredoc>\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z))
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# What follows a format's name and belongs to the statement, not to the data.
_AFTER_FORMAT = re.compile(rb"[ \t\f]*;?[ \t\f]*\r?\n?")
_LATE_SETTINGS = re.compile(
    rb"\s+SETTINGS\s+\w+\s*=\s*(?:'(?:[^'\\]|\\.)*'|[\w.+-]+)(?:\s*,\s*\w+\s*=\s*(?:'(?:[^'\\]|\\.)*'|[\w.+-]+))*",
    re.IGNORECASE,
)
_TAKES_A_SELECT = {b"SELECT", b"WITH"}
_NAMES_A_TABLE = {b"INTO", b"TABLE", b"."}


@dataclass(frozen=True, slots=True)
class Token:
    """One word, name, literal or sign; `upper` is a word in capitals, or the sign itself."""

    kind: str
    upper: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class InsertHeader:
    """The SQL of an insert that brings data: without FORMAT, the format, and where the data starts."""

    sql: bytes
    format: str | None
    data_at: int


def tokens(text: bytes) -> Iterator[Token]:
    """Everything that is not white space or a comment, in order."""
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind == "tag":
            kind = "heredoc"
        if kind != "space":
            yield Token(kind, found.group().upper() if kind == "word" else found.group(), *found.span())


def first_word(text: bytes) -> bytes:
    """The keyword a statement starts with, in capitals; b'' when it starts with something else."""
    for token in tokens(text):
        if token.upper != b"(":
            return token.upper if token.kind == "word" else b""
    return b""


def insert_header(text: bytes) -> InsertHeader | None:
    """Cut an INSERT that brings data from its data; None when it takes a SELECT instead.

    `text` may be only the beginning of the request; without FORMAT or VALUES all of it is header.
    """
    depth = 0
    before = b""
    for token, following in _pairs(tokens(text)):
        if token.upper in {b"(", b"[", b"{"}:
            if depth == 0 and following.upper in _TAKES_A_SELECT:
                return None
            depth += 1
        elif token.upper in {b")", b"]", b"}"}:
            depth -= 1
        elif depth == 0 and token.kind == "word" and before not in _NAMES_A_TABLE:
            if token.upper in _TAKES_A_SELECT:
                return None
            if found := _data_after(text, token, following):
                return found
        before = token.upper
    return InsertHeader(text, None, len(text))


def _data_after(text: bytes, token: Token, following: Token) -> InsertHeader | None:
    if token.upper == b"VALUES":
        return InsertHeader(text[: token.start], "Values", token.end)
    if token.upper == b"FORMAT" and following.kind == "word":
        return _with_format(text, token, following)
    return None


def _pairs(stream: Iterator[Token]) -> Iterator[tuple[Token, Token]]:
    """Each token with the one after it, read no further than that: the rest may be data."""
    end = Token("end", b"", 0, 0)
    token = next(stream, end)
    while token is not end:
        following = next(stream, end)
        yield token, following
        token = following


def _with_format(text: bytes, keyword: Token, name: Token) -> InsertHeader:
    head, at = text[: keyword.start], name.end
    late = _LATE_SETTINGS.match(text, at)
    if late:
        head, at = head + late.group(), late.end()
    after = _AFTER_FORMAT.match(text, at)
    format_name = text[name.start : name.end].decode("ascii")
    return InsertHeader(head, format_name, after.end() if after else at)


def without_head(sql: bytes, keywords: frozenset[bytes]) -> bytes:
    """`sql` without the leading words that are in `keywords`: what DESCRIBE TABLE describes."""
    for token in tokens(sql):
        if token.kind != "word" or token.upper not in keywords:
            return sql[token.start :]
    return b""
