"""Properties that have a column of their own in events_raw: the few keys that are asked for most.

A segment on one of them reads a narrow column instead of the JSON of every event, and means the very same.
A column holds what JSONExtractRaw writes of the property, as the migration that made it says: nothing when
the property is missing or the event's properties cannot be read; what is longer than any value of a segment
is cut. A double that would be read again as a whole number ends in `e0`. Parts from before the column was
there work it out from the text when they are read, until a merge writes it.
"""

from collections.abc import Mapping
from typing import Final

COLUMNS: Final[Mapping[str, str]] = {
    "country": "property_country",
    "dwell_ms": "property_dwell_ms",
    "film_id": "property_film_id",
}
# Appended to doubles that are written like whole numbers.
DOUBLE: Final = "e0"
