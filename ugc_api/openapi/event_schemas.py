"""The schemas of what comes in: the very models that requests are validated by."""

from functools import cache
from typing import Any

import orjson
from pydantic.json_schema import models_json_schema

from contract.events import KNOWN_TYPES, AnyEvent, CustomEvent

REF_TEMPLATE = "#/components/schemas/{model}"


def event_schemas() -> dict[str, Any]:
    """One schema a model by its name, and `Event`: any one of them. The caller may change them."""
    return dict(orjson.loads(_made()))


@cache
def _made() -> bytes:
    # The models never change, and to describe them is what takes longest in making an app.
    models: list[type[AnyEvent]] = [*KNOWN_TYPES.values(), CustomEvent]
    _, made = models_json_schema(
        [(model, "validation") for model in models],
        by_alias=True,
        ref_template=REF_TEMPLATE,
    )
    any_of_them = {
        "description": "An event: of a known type, whose properties are checked, or of a type of your own.",
        "oneOf": [{"$ref": REF_TEMPLATE.format(model=model.__name__)} for model in models],
    }
    return orjson.dumps({"Event": any_of_them, **made["$defs"]})
