"""The questions of clickhouse/queries that a person can ask: their parameters, and how they are sent."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import click

from clickhouse import catalog

# Who `asks:` a question, when people do.
PEOPLE: Final = "analysts"
# The type of a parameter that is no value: a condition, which only the product itself writes.
CONDITION: Final = "Condition"


def for_people() -> list[catalog.Query]:
    """Those that analysts ask, by their header; the rest are the product's own."""
    asked = [each for each in map(catalog.query, catalog.names()) if PEOPLE in each.asks]
    return [each for each in asked if not takes_condition(each)]


def takes_condition(question: catalog.Query) -> bool:
    """Whether it is one of the stats API's, put with segments."""
    return any(each.type == CONDITION for each in question.parameters)


def checked(question: catalog.Query, given: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The parameters as they are sent. Raises UsageError naming what is missing, unknown or given twice."""
    values: dict[str, str] = {}
    known = {each.name for each in question.parameters}
    for key, value in given:
        if key not in known:
            raise click.UsageError(
                f"{question.name} has no parameter {key}{meant(key, known)} {_takes(question)}"
            )
        if key in values:
            raise click.UsageError(f"--param {key} is given twice")
        values[key] = value
    missing = [each.name for each in question.parameters if each.name not in values]
    if missing:
        raise click.UsageError(f"{question.name} needs --param {missing[0]}=… {_takes(question)}")
    return values


def meant(name: str, known: Iterable[str]) -> str:
    """What somebody may have wanted to write."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {found[0]}?" if found else "."


def described(question: catalog.Query) -> str:
    """Its SQL, and above it what it asks and takes."""
    lines = [f"-- {question.question}"]
    lines += [f"-- {each.name} ({each.type}): {each.meaning}" for each in question.parameters]
    return "\n".join([*lines, question.sql])


def _takes(question: catalog.Query) -> str:
    if not question.parameters:
        return "It takes none."
    listed = "; ".join(f"{each.name} ({each.type}): {each.meaning}" for each in question.parameters)
    return f"It takes {listed}."
