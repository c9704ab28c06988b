"""The questions of clickhouse/queries that a person can ask: their parameters, and how they are sent."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

import click

from clickhouse import catalog
from ops.terminal.days import DAY

# Who `asks:` a question, when people do.
PEOPLE: Final = "analysts"
# The type of a parameter that is no value: a condition, which only the product itself writes.
CONDITION: Final = "Condition"

# The days a Date can be, but the last: questions ask for what came before the day after.
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2149, 6, 5)
SHOWN_CHARS_MAX: Final = 64
_WHOLE_TYPE: Final = re.compile(r"UInt(8|16|32|64)")


def for_people() -> list[catalog.Query]:
    """Those that analysts ask, by their header; the rest are the product's own."""
    asked = [each for each in map(catalog.query, catalog.names()) if PEOPLE in each.asks]
    return [each for each in asked if not takes_condition(each)]


def takes_condition(question: catalog.Query) -> bool:
    """Whether it is one of the stats API's, put with segments."""
    return any(each.type == CONDITION for each in question.parameters)


def checked(question: catalog.Query, given: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The parameters as they are sent, defaults among them. Raises UsageError naming what is missing,
    unknown, given twice or no value of its type."""
    known = {each.name: each.type for each in question.parameters}
    sent: dict[str, str] = {}
    for key, value in given:
        if key not in known:
            raise click.UsageError(
                f"{question.name} has no parameter {key}{meant(key, known)} {_takes(question)}"
            )
        if key in sent:
            raise click.UsageError(f"--param {key} is given twice")
        sent[key] = _of_type(key, value, known[key])
    values = {**question.defaults, **sent}
    missing = [each.name for each in question.parameters if each.name not in values]
    if missing:
        raise click.UsageError(f"{question.name} needs --param {missing[0]}=… {_takes(question)}")
    if {"first", "last"} <= known.keys() and values["first"] > values["last"]:
        raise click.UsageError(
            f"--param first={values['first']} is after last={values['last']}; put the earlier day first"
        )
    return values


def _of_type(key: str, value: str, its_type: str) -> str:
    """The value itself. Raises UsageError when it is none of a day or a whole number that is asked for."""
    said = f"--param {key}: {value[:SHOWN_CHARS_MAX]!r}"
    if its_type == "Date" and not _is_day(value):
        raise click.UsageError(f"{said} is no day; write {DAY}, from {FIRST_DAY} to {LAST_DAY}")
    if whole := _WHOLE_TYPE.fullmatch(its_type):
        most = 2 ** int(whole[1]) - 1
        # Longer than any bound is beyond it.
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(most)) and int(value) <= most):
            raise click.UsageError(f"{said} is no whole number from 0 to {most:,}")
    return value


def _is_day(text: str) -> bool:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return False
    # Python takes other spellings, such as weeks, too.
    return day.isoformat() == text and FIRST_DAY <= day <= LAST_DAY


def meant(name: str, known: Iterable[str]) -> str:
    """What somebody may have wanted to write."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {found[0]}?" if found else "."


def described(question: catalog.Query) -> str:
    """Its SQL, and above it what it asks and takes."""
    lines = [f"-- {question.question}"]
    lines += [f"-- {_described(each)}" for each in question.parameters]
    return "\n".join([*lines, question.sql])


def _takes(question: catalog.Query) -> str:
    if not question.parameters:
        return "It takes none."
    return f"It takes {'; '.join(map(_described, question.parameters))}."


def _described(parameter: catalog.Parameter) -> str:
    its_type = parameter.type if parameter.default is None else f"{parameter.type} = {parameter.default}"
    return f"{parameter.name} ({its_type}): {parameter.meaning}"
