"""Strings that the engine reads as more than text: columns, types, and names of aggregates.

What stands in them is in no tree, so nobody would judge it: `values('a String ALIAS file(…)', …)` reads a
file. Such a string has to be written out where it is used, and to say no more than names and types.
"""

import re
from collections.abc import Sequence
from typing import Any

from embedded.warehouse.parsing import Node

# By table function: which argument describes its columns, from how many arguments on.
_COLUMNS_AT = {"values": (0, 1), "null": (0, 1)}
# Beside names and types: expressions, what else a column can be told, and states that somebody made up.
_MORE_THAN_TYPES = re.compile(
    r"\b(alias|default|materialized|ephemeral|ttl|codec|settings|statistics|comment|primary|check|constraint"
    r"|(simple)?aggregatefunction)\b",
    re.IGNORECASE,
)
# A state that no aggregate wrote can keep a thread for ever.
_STATE = re.compile(r"aggregatefunction", re.IGNORECASE)
_TYPE_AT = {
    **dict.fromkeys(("cast", "_cast", "accuratecast", "accuratecastornull", "accuratecastordefault"), 1),
    **dict.fromkeys(("reinterpret", "defaultvalueoftypename"), -1),
    **dict.fromkeys(("jsonextract", "jsonextractcaseinsensitive", "jsonextractkeysandvalues"), -1),
    "jsonextractkeysandvaluescaseinsensitive": -1,
}
_NAMES_AN_AGGREGATE = {"arrayreduce", "initializeaggregation"}


def why_not_columns(function: str, arguments: Sequence[Node]) -> str | None:
    """What is wrong with the columns that a table function is told; None when nothing is."""
    place, least = _COLUMNS_AT.get(function.lower(), (0, 0))
    if not least or len(arguments) < least:
        return None
    told = arguments[place]
    if told.get("type") == "Function" and told.get("name") == "tuple" and function.lower() == "values":
        return None  # a row
    if told.get("type") != "Literal":
        return f"The columns of {function} are to be written out"
    text = _text(told)
    found = _MORE_THAN_TYPES.search(text) if text is not None else None
    return f"The columns of {function} may have names and types, not {found[0]}" if found else None


def why_not_type(function: str, arguments: Sequence[Node]) -> str | None:
    """What is wrong with the type that a function is told; None when nothing is."""
    place = _TYPE_AT.get(function.lower())
    if place is None or len(arguments) <= max(place, 0):
        return None
    text = _text(arguments[place])
    if text is None:
        return f"The type in {function} is to be written out"
    return f"{function} may not make a state of an aggregate" if _STATE.search(text) else None


def makes_a_state(node: Node) -> bool:
    """Whether a parameter or a type is one of those."""
    said = node.get("param_type") if node.get("type") == "QueryParameter" else node.get("name")
    return node.get("type") in {"QueryParameter", "DataType"} and bool(_STATE.search(str(said)))


def aggregate_named(function: str, arguments: Sequence[Node]) -> str | None:
    """What `arrayReduce(…)` is told to call, empty when it is not written out; None for other functions."""
    if function.lower() not in _NAMES_AN_AGGREGATE or not arguments:
        return None
    return (_text(arguments[0]) or "").partition("(")[0].strip()


def _text(node: Node) -> str | None:
    value: Any = node.get("value")
    written_out = node.get("type") == "Literal" and isinstance(value, dict)
    if written_out and value.get("field_type") == "String":
        return str(value.get("value"))
    return None
