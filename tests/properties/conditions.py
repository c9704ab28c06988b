"""What a segment means, said once more in plain Python: a condition on one event's type or properties.

A condition is made of its parts and written as text only to be sent, so that nothing here reads the grammar.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Condition:
    """`operator` is one of `type`, `=`, `!=`, `<`, `>`, `in`; `values` has one but for `in`."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """As it is asked for."""
        if self.operator == "type":
            return f"event_type:{self.values[0]}"
        if self.operator == "in":
            return f"properties.{self.key} in {','.join(self.values)}"
        return f"properties.{self.key}{self.operator}{self.values[0]}"

    def holds(self, event_type: str, properties: str) -> bool:
        """Whether it is true of an event of this type with these properties, which are JSON."""
        if self.operator == "type":
            return event_type == self.values[0]
        # Of a key that is there twice this takes the last one.
        document: dict[str, Any] = json.loads(properties, parse_int=_integer)
        there = self.key in document
        found = document.get(self.key)
        if self.operator == "!=":
            return not (there and _equal(found, self.values[0]))
        if not there:
            return False
        if self.operator == "<":
            return _is_number(found) and found < _number(self.values[0])
        if self.operator == ">":
            return _is_number(found) and found > _number(self.values[0])
        return any(_equal(found, value) for value in self.values)


def _equal(found: Any, text: str) -> bool:
    """Text equals text, letter by letter, a number what reads as an equal one, true and false their word."""
    if isinstance(found, str):
        return found == text
    if isinstance(found, bool):
        return text == ("true" if found else "false")
    return _is_number(found) and _NUMBER.fullmatch(text) is not None and found == _number(text)


def _is_number(found: Any) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _number(text: str) -> Any:
    return json.loads(text, parse_int=_integer)


def _integer(text: str) -> int | float:
    """Whole numbers are exact as far as 64 bits go."""
    exact = int(text)
    return exact if -(2**63) <= exact < 2**64 else float(exact)
