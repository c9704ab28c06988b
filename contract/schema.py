"""The contract as JSON Schema 2020-12, made of the models so that it cannot say anything else.

`python -m contract.schema --write` renews event.v1.schema.json; a test fails while it is stale.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from contract import limits
from contract.events import KNOWN_TYPES, AnyEvent, CustomEvent

PATH: Final = Path(__file__).with_name("event.v1.schema.json")
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
NAME: Final = "Event"
DESCRIPTION: Final = (
    "One user event. A known event_type has typed properties; any other event_type is an event of your own, "
    "with free properties. What a schema cannot say: "
    f"properties are at most {limits.PROPERTIES_BYTES_MAX:,} bytes of JSON and {limits.PROPERTIES_DEPTH_MAX} "
    "levels deep, and occurred_at is neither too old nor in the future. "
    f"A request carries at most {limits.EVENTS_PER_REQUEST_MAX:,} events in {limits.BODY_BYTES_MAX:,} bytes."
)
COMMAND: Final = "python -m contract.schema --write"


class _Schema(GenerateJsonSchema):
    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A default of None is our way to say absent, and no value that anybody gets."""
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def definitions(ref_template: str = "#/$defs/{model}") -> dict[str, Any]:
    """Every schema by name, `Event` being any event; refer to them as `ref_template` says."""
    models: list[type[AnyEvent]] = [*KNOWN_TYPES.values(), CustomEvent]
    _, found = models_json_schema(
        [(model, "validation") for model in models], ref_template=ref_template, schema_generator=_Schema
    )
    one_of = [{"$ref": ref_template.format(model=model.__name__)} for model in models]
    return {NAME: {"title": "event", "description": DESCRIPTION, "oneOf": one_of}, **found["$defs"]}


def event_schema() -> dict[str, Any]:
    """The schema of one event."""
    found = definitions()
    return {"$schema": DIALECT, "$id": "urn:ugc:event:v1", **found.pop(NAME), "$defs": found}


def rendered() -> str:
    """The file's text."""
    return json.dumps(event_schema(), indent=2, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Print the schema, or write it to its place."""
    if list(arguments) == ["--write"]:
        PATH.write_text(rendered(), encoding="utf-8")
    elif arguments:
        sys.stderr.write(f"usage: {COMMAND}\n")
        return 2
    else:
        sys.stdout.write(rendered())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
