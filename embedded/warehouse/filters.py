"""The one setting of the ETL that holds expressions: it can say which rows count, and nothing more.

What stands in it is in no tree of the statement, so it would be judged by nobody: `file(…)` among it reads a
file. Few signs are taken, so that a word is a word; what is none of the harmless functions is not called.
"""

import re
from typing import Final

from embedded.warehouse import functions

SETTING: Final = "additional_table_filters"

# As the ETL writes them: days and ids of topics, each in the quotes of a text within a text.
_TEXT: Final = re.compile(r"\\'[\w+/=:. -]*\\'", re.ASCII)
# Beside them no other quotes, no comments, no escapes.
_PLAIN: Final = re.compile(r"(?:[\w\s(),=<>.:{}']|-(?!-))*", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
# Nothing is tried twice: a long word would be tried from each of its letters.
_CALLED: Final = re.compile(r"\b([A-Za-z_]\w*+)\s*+\(", re.ASCII)
_NO_CALLS: Final = {"and", "or", "not", "in", "between"}
_MORE: Final = {"select", "with", "from", "settings"}
# A list of values, not a table.
_TABLE: Final = re.compile(r"\bin\b(?!\s*\(\s*['\d-])", re.IGNORECASE | re.ASCII)


def why_not(value: str) -> str | None:
    """What is wrong with such filters; None when nothing is."""
    value = _TEXT.sub("''", value)
    if not _PLAIN.fullmatch(value):
        return "may have plain conditions only"
    words = {word.lower() for word in _WORD.findall(value)}
    if words & _MORE or _TABLE.search(value):
        return "may ask no other table"
    known = functions.load()
    called = {name.lower() for name in _CALLED.findall(value)} - _NO_CALLS
    refused = [each for each in words if known.why_refused(each)]
    refused += [each for each in called if not known.allows(each)]
    return f"may not call {min(refused)}" if refused else None
