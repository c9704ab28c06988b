"""The pieces that every route's documentation is made of."""

from collections.abc import Mapping
from typing import Any

from ugc_api.problems import KINDS, MEDIA_TYPE, ProblemCode

Json = dict[str, Any]


def ref(schema: str) -> Json:
    """A reference to one of the named schemas."""
    return {"$ref": f"#/components/schemas/{schema}"}


def json_answer(description: str, schema: Json, **examples: Any) -> Json:
    """A successful answer in JSON."""
    named = {name: {"value": value} for name, value in examples.items()}
    content: Json = {"schema": schema}
    if named:
        content["examples"] = named
    return {"description": description, "content": {"application/json": content}}


def problem_answer(
    *codes: ProblemCode, schema: Json | None = None, members: Mapping[ProblemCode, Json] | None = None
) -> Json:
    """The answer that any of these codes, all of one status, gives; each code is one example.

    `members` are what the document of a code carries besides the common ones.
    """
    statuses = {KINDS[code].status for code in codes}
    if len(statuses) != 1:
        raise ValueError(f"codes of one answer have one status, not {sorted(statuses)}")
    listed = "\n".join(f"- `{code}`: {KINDS[code].title}. {KINDS[code].what_to_do}" for code in codes)
    content = {
        "schema": schema or ref("Problem"),
        "examples": {
            str(code): {
                "summary": KINDS[code].title,
                "value": {**example_problem(code), **(members or {}).get(code, {})},
            }
            for code in codes
        },
    }
    answer: Json = {"description": listed, "content": {MEDIA_TYPE: content}}
    if statuses == {401}:
        answer["headers"] = {
            "WWW-Authenticate": {"description": "How to be let in (RFC 6750).", "schema": {"type": "string"}}
        }
    if statuses & {409, 429, 503}:
        answer["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
        }
    return answer


def limited(answer: Json) -> Json:
    """The answer, with the headers that say how the sender stands with his limits."""
    headers = {
        "RateLimit-Policy": {
            "description": "The limits that apply: `q` events at once, all of them back after `w` seconds.",
            "schema": {"type": "string"},
            "example": '"address";q=2000;w=20;ugc-unit="events"',
        },
        "RateLimit": {
            "description": "What is left of each: `r` events now, more in `t` seconds.",
            "schema": {"type": "string"},
            "example": '"address";r=1900;t=1',
        },
    }
    return {**answer, "headers": {**answer.get("headers", {}), **headers}}


def example_problem(code: ProblemCode) -> Json:
    """What a client sees for this code."""
    kind = KINDS[code]
    return {
        "type": f"/problems/{code}",
        "title": kind.title,
        "status": kind.status,
        "code": str(code),
        "detail": kind.what_to_do,
        "request_id": "0b54f0a6c0f14b1fb3a1d1a2f9c1c7de",
    }


def refusals_of_keys(*, pages: bool = False) -> Json:
    """The answers of a route that needs a scope; `pages` when keys may be bound to web pages there."""
    of_pages = (ProblemCode.ORIGIN_NOT_ALLOWED,) if pages else ()
    return {
        "401": problem_answer(
            ProblemCode.KEY_MISSING,
            ProblemCode.KEY_UNKNOWN,
            ProblemCode.TOKEN_EXPIRED,
            ProblemCode.TOKEN_INVALID,
        ),
        "403": problem_answer(ProblemCode.SCOPE_MISSING, *of_pages),
    }


def query(name: str, schema: Json, description: str, *, required: bool = False, example: Any = None) -> Json:
    """A query parameter."""
    parameter: Json = {
        "name": name,
        "in": "query",
        "required": required,
        "description": description,
        "schema": schema,
    }
    if example is not None:
        parameter["example"] = example
    return parameter


def header(name: str, schema: Json, description: str) -> Json:
    """An optional request header."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}
