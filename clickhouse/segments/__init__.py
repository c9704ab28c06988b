"""Which events a question counts: read from text by a closed grammar, asked in SQL that text never enters."""

from clickhouse.segments.grammar import (
    SEGMENT_CHARS_MAX,
    SEGMENTS_MAX,
    Operator,
    Segment,
    SegmentError,
    is_key,
    number_of,
    parse,
)
from clickhouse.segments.sql import condition

__all__ = [
    "SEGMENTS_MAX",
    "SEGMENT_CHARS_MAX",
    "Operator",
    "Segment",
    "SegmentError",
    "condition",
    "is_key",
    "number_of",
    "parse",
]
