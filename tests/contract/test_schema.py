"""The published schema is the models' own, and says the limits."""

import subprocess
import sys

import jsonschema
import pytest

from contract import limits, schema
from contract.events import FIELDS, KNOWN_TYPES


def test_the_file_is_fresh() -> None:
    assert schema.PATH.read_text(encoding="utf-8") == schema.rendered(), f"stale: run `{schema.COMMAND}`"


def test_it_is_json_schema_2020_12() -> None:
    made = schema.event_schema()
    assert made["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(made)


@pytest.mark.parametrize("name", [*(model.__name__ for model in KNOWN_TYPES.values()), "CustomEvent"])
def test_an_event_has_these_fields_and_no_others(name: str) -> None:
    found = schema.event_schema()["$defs"][name]
    assert found["additionalProperties"] is False
    assert tuple(found["properties"]) == FIELDS
    assert found["description"]


def test_custom_types_leave_the_known_ones_alone() -> None:
    found = schema.event_schema()["$defs"]["CustomEvent"]["properties"]["event_type"]
    assert found["not"]["enum"] == list(KNOWN_TYPES)
    assert str(limits.EVENT_TYPE_CHARS_MAX - 1) in found["pattern"]


def test_optional_properties_do_not_promise_a_default() -> None:
    assert "default" not in str(schema.event_schema()["$defs"]["ClickProperties"])


def test_references_can_point_elsewhere() -> None:
    found = schema.definitions("#/components/schemas/{model}")
    assert found["Event"]["oneOf"][0] == {"$ref": "#/components/schemas/Click"}


def test_the_command_prints_it_and_refuses_what_it_does_not_know() -> None:
    command = [sys.executable, "-m", "contract.schema"]
    where = schema.PATH.parents[1]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=where)
    assert printed.stdout == schema.rendered()
    odd = subprocess.run([*command, "--what"], capture_output=True, text=True, check=False, cwd=where)
    assert (odd.returncode, odd.stdout) == (2, "")
    assert "usage" in odd.stderr
