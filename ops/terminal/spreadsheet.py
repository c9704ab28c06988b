"""CSV that a spreadsheet may open: no text in it is run as a formula.

A cell that begins with = + - @ or a tab is a formula to a spreadsheet, and what stands in our cells was
written by strangers: `=HYPERLINK(...)` as a user_id sends a row of an analyst's sheet to whoever wrote it.
An apostrophe before it makes it text (OWASP, CSV Injection), and changes it: so plain CSV, which machines
read, keeps every byte as it was sent, and who asks for `spreadsheet` gets the apostrophe, and the byte-order
mark by which Excel knows UTF-8. Numbers stay as they are.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")

BYTE_ORDER_MARK: Final = "\ufeff"
# The full-width ones as well: some spreadsheets take them for the others.
STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# ClickHouse quotes every text and nothing else, and doubles a quote inside it: a quote behind a comma, a line
# break or the mark at the beginning opens a cell, or ends one, and then a comma or a line break follows.
_BEFORE: Final = rb"(?:,|\r?\n|\xef\xbb\xbf)"
_FORMULA: Final = re.compile(
    rb"(%b\")(?=[=+\-@\t\0]|\r(?!\n)|\xef\xbc[\x9d\x8b\x8d\xa0])" % _BEFORE,
)
_PERHAPS: Final = re.compile(rb"%b(?:\"(?:\r|\xef\xbc?)?)?\Z" % _BEFORE)


def cell(value: T) -> T | str:
    """`value` as a spreadsheet may hold it: a text as text, anything else as it is."""
    return f"'{value}" if isinstance(value, str) and value.startswith(STARTS) else value


def safe(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """ClickHouse's CSV made safe, wherever it is cut into pieces; the byte-order mark comes before it."""
    rest = BYTE_ORDER_MARK.encode()
    for piece in pieces:
        data = rest + piece
        # What the next piece may show to be a formula waits for it.
        perhaps = _PERHAPS.search(data)
        end = perhaps.start() if perhaps else len(data)
        rest = data[end:]
        if end:
            yield _FORMULA.sub(rb"\1'", data[:end])
    yield _FORMULA.sub(rb"\1'", rest)
