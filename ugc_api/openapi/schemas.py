"""The schemas of what goes out; what comes in is described by the contract's own models."""

from typing import Any

from ugc_api.openapi.parts import ref
from ugc_api.problems import KINDS
from ugc_api.verdicts import Status

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}


def record(description: str, properties: Json, *, optional: tuple[str, ...] = (), more: bool = False) -> Json:
    """An object whose members are all there, but for `optional`; `more` allows others besides."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": more,
    }


def maybe(schema: Json) -> Json:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


VERDICT = record(
    "What became of one event.",
    {
        "index": {**COUNT, "description": "Its place in the request, from 0."},
        "event_id": {**maybe(TEXT), "description": "Its id; as it was sent when the event was refused."},
        "status": {"type": "string", "enum": [str(status) for status in Status]},
        "code": {**maybe(TEXT), "description": "Why it was not accepted; stable."},
        "pointer": {**maybe(TEXT), "description": "JSON pointer (RFC 6901) to the field, within the event."},
        "message": {**maybe(TEXT), "description": "For a person."},
    },
)
COUNTS: Json = {
    "accepted": COUNT,
    "duplicates": COUNT,
    "rejected": COUNT,
    "results": {"type": "array", "items": ref("Verdict")},
}
PROBLEM_PARTS: Json = {
    "type": {"type": "string", "format": "uri-reference"},
    "title": TEXT,
    "status": {"type": "integer"},
    "code": {"type": "string", "enum": [str(code) for code in KINDS], "description": "Stable."},
    "detail": TEXT,
    "request_id": {**maybe(TEXT), "description": "The log knows the request by this id."},
}
CHECKS: Json = {
    "type": "object",
    "additionalProperties": record(
        "One dependency.",
        {"ready": {"type": "boolean"}, "message": TEXT, "elapsed_ms": {"type": "number"}},
    ),
}

# How a key is sent; whether one is needed is a setting, so every route can also go without (`{}`).
KEYS: Json = {
    "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "A secret key."},
    "Bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A secret key, or a signed token (JWT) with the claims aud, exp and scopes.",
    },
    "WriteKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Write-Key",
        "description": "A public key, which sends events and nothing else.",
    },
    "WriteKeyInAddress": {
        "type": "apiKey",
        "in": "query",
        "name": "key",
        "description": "A public key of a page whose beacons cannot set headers.",
    },
}
SECRET_KEYS: list[Json] = [{}, {"ApiKey": []}, {"Bearer": []}]
ANY_KEY: list[Json] = [*SECRET_KEYS, {"WriteKey": []}, {"WriteKeyInAddress": []}]

SCHEMAS: Json = {
    "Verdict": VERDICT,
    "CollectAnswer": record(
        "The verdicts on a request.",
        {**COUNTS, "dry_run": {"type": "boolean"}},
        optional=("dry_run",),
    ),
    "Problem": record("Why the request was refused (RFC 9457).", PROBLEM_PARTS, more=True),
    "CollectProblem": record(
        "A problem; with the verdicts when no event was valid.",
        {**PROBLEM_PARTS, **COUNTS},
        optional=tuple(COUNTS),
        more=True,
    ),
    "ReadyProblem": record("What is not ready.", {**PROBLEM_PARTS, "checks": CHECKS}, more=True),
    "ProblemKind": record(
        "What one code means.",
        {"code": TEXT, "status": {"type": "integer"}, "title": TEXT, "what_to_do": TEXT},
    ),
    "Live": record("Alive.", {"status": {"const": "live"}}),
    "Ready": record("Every dependency answers.", {"status": {"const": "ready"}, "checks": CHECKS}),
    "Welcome": record(
        "What this is.",
        {"name": TEXT, "what": TEXT, "links": {"type": "object", "additionalProperties": TEXT}},
    ),
}
