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
        document = members(properties)
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


def own_conditions(event_type: str, properties: str) -> list[Condition]:
    """Conditions that are written with what one event has, and are true of it or just not."""
    found = [Condition("type", "", (event_type,))] * 2
    for key, value in members(properties).items():
        text = value if isinstance(value, str) else json.dumps(value)
        # What the grammar takes as a value; null and what is nested equal nothing.
        if isinstance(value, list) or value is None or not text or text[0] in " =":
            continue
        found += [Condition(operator, key, (text,)) for operator in ("=", "!=")]
        if "," not in text and text[-1] != " ":
            found.append(Condition("in", key, ("12", text)))
        if _is_number(value):
            found += [Condition(operator, key, (text,)) for operator in "<>"]
            found += [Condition("<", key, (text + "1",)), Condition(">", key, ("-1e3",))]
            # Three, one of them beyond 2^53: those are compared another way. 0 finds -0.0 too.
            found.append(Condition("in", key, ("0", "9007199254740993", text if value else "5")))
    return found


def members(properties: str) -> dict[str, Any]:
    """The properties themselves; of a key that is there twice the first counts."""
    pairs = json.loads(properties, parse_int=_integer, object_pairs_hook=list)
    return dict(reversed(pairs))


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
