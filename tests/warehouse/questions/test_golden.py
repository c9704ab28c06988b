"""Given these events, when this is asked, then this is the answer: one directory a question, by hand."""

import dataclasses
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from clickhouse import catalog, segments
from clickhouse.scope import Scope

pytestmark = pytest.mark.stack

GOLDEN = Path(__file__).parents[2] / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir())
NOT_ASKED_OF_EVENTS = {"freshness", "parts_of_days"}


def cell(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(cell, value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "null" if value is None else str(value)


def answered(held: Any, when: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a call of Warehouse, or of a question of the catalogue with its own parameters."""
    if "query" in when:
        result = held.client.query(catalog.query(when["query"]).sql, parameters=when["parameters"])
        return list(result.named_results())
    scope = dict(when.get("scope", {}))
    scope["segments"] = tuple(segments.parse(text) for text in scope.get("segments", ()))
    call = getattr(held.at(datetime.fromisoformat(when["now"]).astimezone(UTC)), when["call"])
    answer = call(Scope(**scope), *map(_read, when["arguments"]))
    return [dataclasses.asdict(row) for row in getattr(answer, "rows", [answer])]


def _read(argument: Any) -> Any:
    try:
        return date.fromisoformat(argument)
    except (TypeError, ValueError):
        return argument


@pytest.mark.parametrize("case", CASES)
def test_golden(held: Any, case: str) -> None:
    folder = GOLDEN / case
    given = [json.loads(line) for line in (folder / "given.ndjson").read_text().splitlines() if line]
    columns, *then = [line.split("\t") for line in (folder / "then.tsv").read_text().splitlines()]
    held.hold(given)
    rows = answered(held, json.loads((folder / "when.json").read_text()))
    assert [[cell(row[column]) for column in columns] for row in rows] == then


def test_every_question_about_events_has_one() -> None:
    asked = {
        name
        for name in catalog.names()
        if any(who in catalog.query(name).asks for who in ("GET /stats/", "analysts"))
    }
    assert asked - NOT_ASKED_OF_EVENTS == set(CASES)
