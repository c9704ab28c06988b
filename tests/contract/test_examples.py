"""The examples are promises: accepted ones are taken, refused ones get exactly their code and pointer."""

import json
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from contract.events import KNOWN_TYPES, Event
from contract.reading import read
from contract.refusals import MEANINGS, Refusal, RefusalCode
from contract.schema import event_schema

EXAMPLES = Path(__file__).parents[2] / "contract" / "examples"
ACCEPTED = sorted((EXAMPLES / "accepted").glob("*.json"))
REFUSED = sorted((EXAMPLES / "refused").glob("*.json"))
# What a schema cannot say: what JSON is, the clock, sizes, and spellings beyond `format`.
BEYOND_A_SCHEMA = {
    RefusalCode.INVALID_JSON,
    RefusalCode.LONE_SURROGATE,
    RefusalCode.NUMBER_TOO_LONG,
    RefusalCode.BAD_UUID,
    RefusalCode.BAD_TIMESTAMP,
    RefusalCode.TIMESTAMP_WITHOUT_OFFSET,
    RefusalCode.TOO_OLD,
    RefusalCode.IN_THE_FUTURE,
    RefusalCode.PROPERTIES_TOO_LARGE,
    RefusalCode.PROPERTIES_TOO_DEEP,
}
SCHEMA = jsonschema.Draft202012Validator(event_schema())


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: path.stem)
def test_accepted_examples_are_read_and_valid(path: Path, received_at: datetime) -> None:
    raw = path.read_bytes()
    event = read(raw, received_at=received_at)
    assert isinstance(event, Event), event
    SCHEMA.validate(json.loads(raw))


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_refused_examples_get_their_code_and_pointer(path: Path, received_at: datetime) -> None:
    example = json.loads(path.read_bytes())
    raw = example["raw"] if "raw" in example else json.dumps(example["event"])
    refusal = read(raw.encode(), received_at=received_at)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.pointer) == (example["code"], example["pointer"]), refusal.message
    assert 20 < len(refusal.message) < 400
    refusal.message.encode()


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_the_schema_refuses_what_a_schema_can(path: Path) -> None:
    example = json.loads(path.read_bytes())
    if "event" in example and example["code"] not in BEYOND_A_SCHEMA:
        assert not SCHEMA.is_valid(example["event"])


def test_every_code_has_a_meaning_and_an_example() -> None:
    shown = {json.loads(path.read_bytes())["code"] for path in REFUSED}
    assert shown == set(RefusalCode) == set(MEANINGS)


def test_every_known_type_has_an_example() -> None:
    assert set(KNOWN_TYPES) <= {json.loads(path.read_bytes())["event_type"] for path in ACCEPTED}


def test_examples_say_when_they_arrive(received_at: datetime) -> None:
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert received_at.strftime("%Y-%m-%dT%H:%M:%SZ") in readme
