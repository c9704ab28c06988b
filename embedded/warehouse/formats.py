"""Which output formats can be streamed block by block, and how.

chDB encodes every block by itself. Formats without head and tail simply follow each other; those with a
head of names repeat it, and it is cut off from the second block on; all others are made whole.
"""

from collections.abc import Callable, Iterator

from embedded.warehouse.engine import Block
from embedded.warehouse.errors import Refused

# Of chDB's Python layer: they give objects, and no server knows them.
_OF_PYTHON = {"dataframe", "datastore", "arrowtable"}

_HEADLESS = {
    *("native", "tabseparated", "tsv", "tabseparatedraw", "tsvraw", "csv", "rowbinary", "tskv"),
    *("jsoneachrow", "jsonlines", "ndjson", "jsonstringseachrow", "jsoncompacteachrow"),
    *("jsoncompactstringseachrow", "lineasstring"),
}
_LINES_OF_HEAD = {
    **dict.fromkeys(("tabseparatedwithnames", "tsvwithnames", "jsoncompacteachrowwithnames"), 1),
    **dict.fromkeys(("tabseparatedwithnamesandtypes", "tsvwithnamesandtypes"), 2),
    "jsoncompacteachrowwithnamesandtypes": 2,
}
_STRINGS_A_COLUMN = {"rowbinarywithnames": 1, "rowbinarywithnamesandtypes": 2}

# Settings that give a headless format a head or a tail, or add a second result.
_MAKES_WHOLE = {
    *("output_format_json_array_of_rows", "extremes", "output_format_native_encode_types_in_binary_format"),
    *("output_format_binary_encode_types_in_binary_format", "output_format_tsv_crlf_end_of_line"),
}

_CONTENT_TYPES = (
    ("jsoneachrow", "application/x-ndjson; charset=UTF-8"),
    ("jsonlines", "application/x-ndjson; charset=UTF-8"),
    ("ndjson", "application/x-ndjson; charset=UTF-8"),
    ("json", "application/json; charset=UTF-8"),
    ("tabseparated", "text/tab-separated-values; charset=UTF-8"),
    ("tsv", "text/tab-separated-values; charset=UTF-8"),
    ("csvwithnames", "text/csv; charset=UTF-8; header=present"),
    ("csv", "text/csv; charset=UTF-8; header=absent"),
    ("xml", "application/xml; charset=UTF-8"),
    *(
        (name, "application/octet-stream")
        for name in ("native", "rowbinary", "arrow", "parquet", "orc", "avro")
    ),
    ("msgpack", "application/octet-stream"),
)


def refuse_unknown(output_format: str) -> None:
    """Raise Refused for a format that only the engine's wrapping takes; the engine judges all others."""
    if output_format.lower() in _OF_PYTHON:
        raise Refused(73, "UNKNOWN_FORMAT", f"Unknown format {output_format}.")


def streams(output_format: str, changed_settings: set[str]) -> bool:
    """Whether blocks of this format can be sent as they come."""
    name = output_format.lower()
    known = name in _HEADLESS or name in _LINES_OF_HEAD or name in _STRINGS_A_COLUMN
    return known and not changed_settings & _MAKES_WHOLE


def has_head(output_format: str) -> bool:
    """Whether even an empty result has bytes."""
    return output_format.lower() not in _HEADLESS


def without_repeated_heads(blocks: Iterator[Block], output_format: str) -> Iterator[Block]:
    """The same blocks as one document."""
    measure = _head_of(output_format.lower())
    first = next(blocks, None)
    if first is None:
        return
    yield first
    head_bytes = measure(first.data)
    for block in blocks:
        yield Block(block.data[head_bytes:], block.rows)


def content_type(output_format: str) -> str:
    """The Content-Type a ClickHouse server gives an answer in this format."""
    name = output_format.lower()
    return next(
        (kind for start, kind in _CONTENT_TYPES if name.startswith(start)), "text/plain; charset=UTF-8"
    )


def _head_of(name: str) -> Callable[[bytes], int]:
    if name in _LINES_OF_HEAD:
        return lambda data: _end_of_lines(data, _LINES_OF_HEAD[name])
    if name in _STRINGS_A_COLUMN:
        return lambda data: _end_of_names(data, _STRINGS_A_COLUMN[name])
    return lambda _: 0


def _end_of_lines(data: bytes, lines: int) -> int:
    at = 0
    for _ in range(lines):
        at = data.index(b"\n", at) + 1
    return at


def _end_of_names(data: bytes, strings_a_column: int) -> int:
    columns, at = _varint(data, 0)
    for _ in range(columns * strings_a_column):
        length, at = _varint(data, at)
        at += length
    return at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
