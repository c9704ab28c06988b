"""Properties that have a column of their own in events_raw: the few keys that are asked for most.

A segment on one of them reads a narrow column instead of the JSON of every event, and means the very same.
A column holds what JSONExtractRaw writes of the property: nothing when the property is missing or the event's
properties cannot be read; what is longer than any value of a segment is cut. A double that would be read
again as a whole number ends in `e0`. Parts from before the column was there work it out from the text when
they are read, until it is written into them.
"""

import re
from typing import Final

# Those that migrations made. Others are named by whoever runs the warehouse: clickhouse/property_columns.py.
SHIPPED: Final = ("country", "dwell_ms", "film_id")
# Appended to doubles that are written like whole numbers.
DOUBLE: Final = "e0"

PREFIX: Final = "property_"
# No value of a segment is longer: 200 characters, of which JSON may write each in 6 bytes.
CUT: Final = 1_200
# A dot in a column's name would make what stands before it a name too. No key has a colon.
_DOT: Final = ":"
_WORD: Final = re.compile(r"\w+", re.ASCII)

# For the few long numbers alone the type is asked: an insert works out both sides of an `if` for every row.
_EXPRESSION: Final = """concat(
    substring({raw}, 1, {cut}),
    if(JSONType(if(
        length({raw}) >= 16 AND NOT startsWith({raw}, '"') AND NOT multiSearchAny({raw}, ['.', 'e'])
            AND abs(toFloat64OrZero({raw})) >= 9007199254740992,
        properties, ''), '{key}') = 'Double', '{double}', ''))"""
# A search for the key's bytes spares events without it the JSON reader.
_RAW: Final = (
    """JSONExtractRaw(if(multiSearchAny(properties, ['"{key}"', '\\\\']), properties, ''), '{key}')"""
)


def column_of(key: str) -> str:
    """The name of the column that a key has, or would have; of two keys never the same."""
    return PREFIX + key.replace(".", _DOT)


def quoted(column: str) -> str:
    """The name as SQL takes it."""
    return column if _WORD.fullmatch(column) else f"`{column}`"


def expression(key: str) -> str:
    """What the column of a key is made of. `key` is one of the grammar's: nothing in it ends a string."""
    return _EXPRESSION.format(raw=_RAW.format(key=key), cut=CUT, key=key, double=DOUBLE)
