"""Segments: which events a question counts, in a closed grammar that never becomes SQL text.

    event_type:NAME                    that type and no other
    properties.KEY=VALUE               the property equals VALUE
    properties.KEY!=VALUE              it does not: everything that `=` leaves out, a missing property too
    properties.KEY<NUMBER  >NUMBER     it is a number, and smaller or greater
    properties.KEY in A,B,C            it equals one of them; no commas inside a value

KEY is one key of `properties` itself: 1 to 64 of `A-Z a-z 0-9 _ . -`, a dot being a character like others.
There is no space around an operator but the one on either side of `in`, and none beside its commas.

When a property equals VALUE. A string: when it is VALUE, letter for letter. A number: when VALUE is written
as JSON writes numbers and is the same number (`10`, `10.0` and `1e1` are). true and false: when VALUE is that
word. null, objects and arrays equal nothing.

Whole numbers compare exactly, others as doubles. What the warehouse's JSON reader adds: a whole number beyond
64 bits counts as the string of its digits, of a key sent twice the first counts, and an event with a number
beyond 1.8e308 has no properties at all.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SEGMENTS_MAX: Final = 5
SEGMENT_CHARS_MAX: Final = 200
KEY_CHARS_MAX: Final = 64

_TYPE: Final = "event_type:"
_PROPERTIES: Final = "properties."
_NAME: Final = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_KEY: Final = re.compile(r"[A-Za-z0-9_.-]+")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_FORMS: Final = "event_type:NAME, properties.KEY=VALUE, !=, <, > or properties.KEY in A,B"


class Operator(StrEnum):
    """As it is written, spaces included."""

    TYPE = ":"
    DIFFERENT = "!="
    EQUAL = "="
    LESS = "<"
    GREATER = ">"
    IN = " in "


class SegmentError(ValueError):
    """The text is no segment. `place`: the character at fault, the first being 1; one past the end when
    something is missing there."""

    def __init__(self, place: int, message: str) -> None:
        super().__init__(message)
        self.place = place
        self.message = message


@dataclass(frozen=True, slots=True)
class Segment:
    """One condition. `key` is empty when it asks for the event's type; `str()` gives the text again."""

    operator: Operator
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        if self.operator is Operator.TYPE:
            return _TYPE + self.values[0]
        return f"{_PROPERTIES}{self.key}{self.operator}{','.join(self.values)}"


def parse(text: str) -> Segment:
    """The segment that `text` is. Raises SegmentError with the place of the first fault."""
    if len(text) > SEGMENT_CHARS_MAX:
        raise SegmentError(
            SEGMENT_CHARS_MAX + 1,
            f"a segment has {SEGMENT_CHARS_MAX} characters at most, this one {len(text):,}",
        )
    for at, character in enumerate(text):
        if "\ud800" <= character <= "\udfff":
            raise SegmentError(at + 1, "half of a surrogate pair is no text")
    if text.startswith(_TYPE):
        return _of_type(text)
    if text.startswith(_PROPERTIES):
        return _of_property(text)
    raise SegmentError(_first_difference(text), f"a segment is {_FORMS}")


def is_key(text: str) -> bool:
    """Whether a segment may ask for a property of that name."""
    return _KEY.fullmatch(text) is not None and len(text) <= KEY_CHARS_MAX


def number_of(text: str) -> int | float | None:
    """The number that `text` reads as: exact when it is an integer of 64 bits, else the nearest double.

    None when it is not written as JSON writes numbers, or is larger than any double.
    """
    if _NUMBER.fullmatch(text) is None:
        return None
    if text.lstrip("-").isdigit() and len(text) <= 20:
        exact = int(text)
        if -(2**63) <= exact < 2**64:
            return exact
    nearest = float(text)
    if nearest in (float("inf"), float("-inf")):
        return None
    if nearest.is_integer() and -(2.0**63) <= nearest < 2.0**64:
        return int(nearest)
    return nearest


def _of_type(text: str) -> Segment:
    found = _NAME.match(text, len(_TYPE))
    end = found.end() if found else len(_TYPE)
    if found is None or end != len(text):
        raise SegmentError(
            end + 1,
            "after event_type: comes a name: a lower-case letter, then lower-case letters, digits, dots and "
            "underscores, 64 characters at most",
        )
    return Segment(Operator.TYPE, "", (found.group(),))


def _of_property(text: str) -> Segment:
    start = len(_PROPERTIES)
    found = _KEY.match(text, start)
    if found is None:
        raise SegmentError(start + 1, "after properties. comes a key of letters, digits, _ . and -")
    key = found.group()
    if len(key) > KEY_CHARS_MAX:
        raise SegmentError(start + KEY_CHARS_MAX + 1, f"a key has {KEY_CHARS_MAX} characters at most")
    operator = next((each for each in _PROPERTY_OPERATORS if text.startswith(each, found.end())), None)
    if operator is None:
        raise SegmentError(
            found.end() + 1,
            "after the key comes =, !=, <, > without spaces, or ` in ` with one space on either side",
        )
    at = found.end() + len(operator)
    if operator is Operator.IN:
        return Segment(operator, key, _list(text, at))
    return Segment(operator, key, (_value(text, at, operator),))


_PROPERTY_OPERATORS: Final = tuple(each for each in Operator if each is not Operator.TYPE)


def _value(text: str, at: int, operator: Operator) -> str:
    value = text[at:]
    if not value:
        raise SegmentError(at + 1, f"a value is missing after {operator}")
    if value[0] == "=":
        raise SegmentError(at + 1, f"{operator}= is no operator; there are =, !=, <, > and in")
    if value[0] == " ":
        raise SegmentError(at + 1, f"no space after {operator}")
    if operator in (Operator.LESS, Operator.GREATER) and number_of(value) is None:
        raise SegmentError(
            at + 1, f"{operator} compares numbers only, written like 5, -0.5 or 1e3 and below 1.8e308"
        )
    return value


def _list(text: str, at: int) -> tuple[str, ...]:
    values = text[at:].split(",")
    for value in values:
        if not value:
            raise SegmentError(at + 1, "a value is missing in the list after in")
        if value[0] == " ":
            raise SegmentError(at + 1, "no space beside a comma, and one after in")
        if value[-1] == " ":
            raise SegmentError(at + len(value), "no space before a comma or at the end of a list")
        at += len(value) + 1
    return tuple(values)


def _first_difference(text: str) -> int:
    """Where `text` leaves both beginnings."""

    def common(beginning: str) -> int:
        pairs = zip(text, beginning, strict=False)
        return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(text), len(beginning)))

    return max(common(_TYPE), common(_PROPERTIES)) + 1
