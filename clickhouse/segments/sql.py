"""Segments as a condition over events_raw: fixed SQL, what was asked travels in typed parameters alone."""

import json
import struct
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Final

from clickhouse.segments.columns import DOUBLE, column_of, quoted
from clickhouse.segments.grammar import Operator, Segment, number_of

EVERYTHING: Final = "1"
# Whole numbers below are doubles too, and written alike; doubles beyond are written with made-up digits.
ONE_SPELLING_BELOW: Final = 2**53

_WORDS: Final = ("true", "false")
_COMPARED: Final = {Operator.LESS: "<", Operator.GREATER: ">"}


@dataclass(frozen=True, slots=True)
class _Property:
    """Where a property is read: `raw` as JSONExtractRaw writes it; `at` is where JSON functions find it.

    `in_column`: it has one of its own. `key` is the placeholder of its name.
    """

    raw: str
    at: str
    key: str
    in_column: bool = False

    @property
    def kind(self) -> str:
        """Its type, by name."""
        return f"JSONType({self.at})"

    def numbers(self) -> list[tuple[str, str]]:
        """What a number can be in JSON, and how it is read without losing a digit."""
        return [
            ("Int64", f"JSONExtractInt({self.at})"),
            ("UInt64", f"JSONExtractUInt({self.at})"),
            # Three comparisons or more with = become an IN, where -0.0 is not 0; a sum never is -0.0.
            ("Double", f"JSONExtractFloat({self.at}) + 0"),
        ]


def condition(segments: Sequence[Segment], *, columns: Set[str]) -> tuple[str, dict[str, Any]]:
    """A boolean over a row of events_raw, all segments together, and its parameters.

    The text depends on the operators, on how many values a list has, on which of them read as numbers, true
    or false, and on which keys have one of the `columns`; never on what was asked.
    """
    written: list[str] = []
    parameters: dict[str, Any] = {}
    for index, segment in enumerate(segments):
        sql, more = _one(index, segment, columns)
        written.append(f"({sql})")
        parameters |= more
    return " AND ".join(written) or EVERYTHING, parameters


def _one(n: int, segment: Segment, columns: Set[str]) -> tuple[str, dict[str, Any]]:
    if segment.operator is Operator.TYPE:
        return f"event_type = {{seg{n}_type:String}}", {f"seg{n}_type": segment.values[0]}
    key, parameters = f"{{seg{n}_key:String}}", {f"seg{n}_key": segment.key}
    if (column := column_of(segment.key)) in columns:
        where, parameters = _Property(quoted(column), quoted(column), key, in_column=True), {}
    else:
        where = _Property(f"JSONExtractRaw(properties, {key})", f"properties, {key}", key)
    if segment.operator in _COMPARED:
        sql, more = _compared(n, segment, where)
    else:
        sql, more = _equal(n, segment.values, where)
        if segment.operator is Operator.DIFFERENT:
            sql = f"NOT ({sql})"
    return sql, parameters | more


def _equal(n: int, values: Sequence[str], where: _Property) -> tuple[str, dict[str, Any]]:
    numbers = [number for value in values if (number := number_of(value)) is not None]
    if any(isinstance(number, int) and abs(number) >= ONE_SPELLING_BELOW for number in numbers):
        return _equal_by_kind(n, values, numbers, where)
    # One look into the JSON, whatever the property is: both sides are written by the same function.
    spelled = [json.dumps(value, ensure_ascii=False) for value in values]
    candidate = _candidate(n, values, "json", where)
    spelled += [value for value in values if value in _WORDS]
    spelled += [str(number) for number in numbers]
    spelled += ["-0.0" for number in numbers if number == 0]
    names = [f"seg{n}_json{i}" for i in range(len(spelled))]
    written = [f"JSONExtractRaw({{{name}:String}})" for name in names]
    if where.in_column:
        # A double of 2^64 and more is written without a point up to 10^21.
        doubles = {str(number) for number in numbers if isinstance(number, float)}
        pairs = zip(spelled, tuple(written), strict=True)
        written += [f"concat({raw}, '{DOUBLE}')" for text, raw in pairs if text in doubles]
    sql = f"{candidate} AND {where.raw} IN ({', '.join(written)})"
    return sql, dict(zip(names, spelled, strict=True))


def _equal_by_kind(
    n: int, values: Sequence[str], numbers: Sequence[int | float], where: _Property
) -> tuple[str, dict[str, Any]]:
    """The same, slower, where doubles are written like whole numbers that they are not equal to."""
    parameters: dict[str, Any] = {f"seg{n}_text{i}": value for i, value in enumerate(values)}
    texts = ", ".join(f"{{seg{n}_text{i}:String}}" for i in range(len(values)))
    kind = where.kind
    operands = []
    for i, number in enumerate(numbers):
        operand, more = _operand(n, i, number)
        operands.append(operand)
        parameters |= more
    branches = [
        f"{kind} = 'String', JSONExtractString({where.at}) IN ({texts})",
        f"{kind} = 'Bool', if(JSONExtractBool({where.at}), 'true', 'false') IN ({texts})",
        *(
            f"{kind} = '{name}', {' OR '.join(f'{got} = {operand}' for operand in operands)}"
            for name, got in where.numbers()
        ),
    ]
    return f"{_candidate(n, (), '', where)} AND multiIf({', '.join(branches)}, 0)", parameters


def _compared(n: int, segment: Segment, where: _Property) -> tuple[str, dict[str, Any]]:
    number = number_of(segment.values[0])
    if number is None:
        raise ValueError(f"{segment} compares no number")  # parse() lets none through
    operand, parameters = _operand(n, 0, number)
    sign = _COMPARED[segment.operator]
    branches = [f"{where.kind} = '{name}', {got} {sign} {operand}" for name, got in where.numbers()]
    if where.in_column:
        # Nearly always digits alone: those need no JSON reader.
        digits = f"isNotNull(toInt64OrNull({where.raw}))"
        branches.insert(0, f"{digits}, toInt64OrZero({where.raw}) {sign} {operand}")
    return f"{_candidate(n, (), '', where)} AND multiIf({', '.join(branches)}, 0)", parameters


def _candidate(n: int, values: Sequence[str], name: str, where: _Property) -> str:
    """A look that leaves out most events before any JSON is parsed, and none that fits.

    A column is empty where there is nothing to find; text is searched through. JSON without a backslash
    spells a string one way: in quotes, as it is. So there the value must stand, or the key when the value can
    be spelled otherwise, as numbers can. `name`: of the values' parameters.
    """
    if where.in_column:
        return f"notEmpty({where.raw})"
    plain = [i for i, value in enumerate(values) if number_of(value) is None and value not in _WORDS]
    needles = [f"{{seg{n}_{name}{i}:String}}" for i in plain]
    if len(plain) < max(1, len(values)):
        needles.append(f"concat('\"', {where.key}, '\"')")
    return f"multiSearchAny(properties, [{', '.join(needles)}, '\\\\'])"


def _operand(n: int, i: int, number: int | float) -> tuple[str, dict[str, Any]]:
    # Doubles travel as their bits: ClickHouse reads them from text fast, not exactly. It compares integers
    # of any width with doubles by value, so nothing is rounded here.
    if isinstance(number, float):
        bits = struct.unpack("<Q", struct.pack("<d", number))[0]
        return f"reinterpretAsFloat64({{seg{n}_bits{i}:UInt64}})", {f"seg{n}_bits{i}": bits}
    width = "Int64" if number < 2**63 else "UInt64"
    return f"{{seg{n}_number{i}:{width}}}", {f"seg{n}_number{i}": number}
