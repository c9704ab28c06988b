"""The documentation: every route and code is in it, it is valid OpenAPI 3.1, and it needs nobody else."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import ugc_api.openapi
from ugc_api.forms import MEDIA_TYPES
from ugc_api.openapi.document import describe
from ugc_api.openapi.routes import UNDOCUMENTED
from ugc_api.problems import KINDS

FOLDER = Path(ugc_api.openapi.__file__).parent
METHODS = {"get", "post", "put", "delete", "patch"}
# The parts of the OpenAPI 3.1 structure that our document uses, closed: an unknown member is an error.
STRUCTURE: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["openapi", "info", "paths"],
    "properties": {
        "openapi": {"const": "3.1.0"},
        "info": {"type": "object", "required": ["title", "version"]},
        "tags": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        "components": {
            "type": "object",
            "properties": {
                "schemas": {"type": "object", "additionalProperties": {"$ref": "#/$defs/schema"}},
                "securitySchemes": {
                    "type": "object",
                    "additionalProperties": {"properties": {"type": {"enum": ["apiKey", "http"]}}},
                },
            },
            "additionalProperties": False,
        },
        "paths": {
            "type": "object",
            "propertyNames": {"pattern": "^/"},
            "additionalProperties": {
                "type": "object",
                "propertyNames": {"enum": sorted(METHODS)},
                "additionalProperties": {"$ref": "#/$defs/operation"},
            },
        },
    },
    "additionalProperties": False,
    "$defs": {
        "schema": {"type": "object"},
        "operation": {
            "type": "object",
            "required": ["summary", "operationId", "tags", "responses"],
            "properties": {
                "summary": {"type": "string"},
                "description": {"type": "string"},
                "operationId": {"type": "string"},
                "security": {"type": "array", "items": {"type": "object"}},
                "tags": {"type": "array", "items": {"type": "string"}},
                "parameters": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["name", "in", "schema"],
                        "properties": {"in": {"enum": ["query", "path", "header"]}},
                        "if": {"properties": {"in": {"const": "path"}}},
                        "then": {"required": ["required"], "properties": {"required": {"const": True}}},
                    },
                },
                "requestBody": {"type": "object", "required": ["content"]},
                "responses": {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {"pattern": "^[1-5][0-9][0-9]$"},
                    "additionalProperties": {"type": "object", "required": ["description"]},
                },
            },
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
def document(api: Any) -> dict[str, Any]:
    answer = api.client.get("/openapi.json")
    assert answer.mimetype == "application/json"
    return dict(answer.json)


def routes(api: Any) -> set[tuple[str, str]]:
    found = set()
    for rule in api.client.application.url_map.iter_rules():
        if rule.endpoint not in UNDOCUMENTED:
            path = re.sub(r"<([^>]+)>", r"{\1}", rule.rule)
            found |= {(path, method.lower()) for method in rule.methods - {"HEAD", "OPTIONS"}}
    return found


def test_every_route_is_in_the_document_and_the_reverse(api: Any, document: dict[str, Any]) -> None:
    described = {(path, method) for path, operations in document["paths"].items() for method in operations}
    assert described == routes(api)
    assert ("/events", "post") in described


def test_a_route_without_documentation_does_not_start(api: Any) -> None:
    app = api.client.application
    app._got_first_request = False
    app.add_url_rule("/secret", "secret", lambda: "", methods=["GET"])
    with pytest.raises(LookupError, match="secret"):
        describe(app)


def test_it_is_openapi_3_1(document: dict[str, Any]) -> None:
    jsonschema.validate(document, STRUCTURE, cls=jsonschema.Draft202012Validator)
    ids = [each["operationId"] for operations in document["paths"].values() for each in operations.values()]
    assert len(ids) == len(set(ids))
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema, name


def walk(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from walk(value)


def test_every_reference_leads_somewhere_and_every_schema_is_used(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    used = {node["$ref"] for node in walk(document) if isinstance(node.get("$ref"), str)}
    mapped = {
        target
        for node in walk(document)
        if isinstance(node.get("mapping"), dict)
        for target in node["mapping"].values()
    }
    assert {name.removeprefix("#/components/schemas/") for name in used | mapped} == set(schemas)


def test_every_problem_code_is_listed(document: dict[str, Any]) -> None:
    examples = {
        name
        for node in walk(document["paths"])
        for media, content in node.items()
        if media == "application/problem+json"
        for name in content["examples"]
    }
    # 404 and 405 belong to addresses that are no route, so only the route that can say 404 lists it.
    assert examples == {str(code) for code in KINDS} - {"method_not_allowed"}
    assert set(document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]) == set(KINDS)


def resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "components": document["components"]}


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    checked = 0
    for node in walk(document["paths"]):
        if "schema" in node and isinstance(node.get("examples"), dict):
            for example in node["examples"].values():
                jsonschema.validate(
                    example["value"], resolved(document, node["schema"]), cls=jsonschema.Draft202012Validator
                )
                checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    ("url", "path", "status"),
    [
        ("GET /", "/", 200),
        ("GET /stats/dau?from=2026-11-01&to=2026-11-02", "/stats/dau", 200),
        ("GET /stats/dau", "/stats/dau", 422),
        ("GET /stats/top-events?from=2026-11-01&to=2026-11-02", "/stats/top-events", 200),
        ("GET /stats/daily?from=2026-11-01&to=2026-11-02", "/stats/daily", 200),
        ("GET /stats/retention?start_date=2026-11-01&period=week", "/stats/retention", 200),
        ("GET /stats/retention?start_date=2026-11-01&windows=31", "/stats/retention", 422),
        ("GET /stats/retention-7d?from=2026-11-01&to=2026-11-02", "/stats/retention-7d", 200),
        ("GET /stats/returning?date=2026-11-01&segment=event_type:click", "/stats/returning", 200),
        ("GET /health/live", "/health/live", 200),
        ("GET /health/ready", "/health/ready", 200),
        ("GET /problems/not_json", "/problems/{code}", 200),
        ("POST /events", "/events", 202),
        ("POST /events?dry_run=1", "/events", 200),
        ("POST /events?x=1", "/events", 422),
    ],
)
def test_real_answers_fit_their_schemas(api: Any, event: Any, url: str, path: str, status: int) -> None:
    document = api.client.get("/openapi.json").json
    method, _, address = url.partition(" ")
    body = {"json": [event(), event(user_id=None)]} if method == "POST" else {}
    answer = api.client.open(address, method=method, **body)
    assert answer.status_code == status
    content = document["paths"][path][method.lower()]["responses"][str(status)]["content"][answer.mimetype]
    jsonschema.validate(
        answer.json, resolved(document, content["schema"]), cls=jsonschema.Draft202012Validator
    )


def test_the_documents_own_examples_are_accepted(api: Any, document: dict[str, Any]) -> None:
    content = document["paths"]["/events"]["post"]["requestBody"]["content"]
    assert set(content) == set(MEDIA_TYPES)
    for media_type, said in content.items():
        for name, example in said["examples"].items():
            value = example["value"]
            body = value if isinstance(value, str) else json.dumps(value)
            answer = api.client.post("/events", data=body, content_type=media_type)
            assert (answer.status_code, answer.json["rejected"]) == (202, 0), f"{name}: {answer.json}"


def test_the_page_and_its_files_are_served_from_here_alone(api: Any) -> None:
    page = api.client.get("/apidocs/")
    assert page.status_code == 200
    assert not re.search(r"(https?:)?//", page.text.replace("<!--", ""))
    assert "'self'" in page.headers["Content-Security-Policy"]
    assert "http" not in page.headers["Content-Security-Policy"]
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert {"swagger-ui-bundle.js", "swagger-ui.css", "docs.js"} <= set(linked)
    for link in linked:
        address = link if link.startswith("/") else f"/apidocs/{link}"
        given = api.client.get(address)
        assert given.status_code == 200, address
        given.close()
    for name in ("page/docs.js", "page/docs.css"):
        assert "//" not in (FOLDER / name).read_text(encoding="utf-8")


def test_the_vendored_files_are_the_published_ones() -> None:
    version = (FOLDER / "swagger_ui" / "VERSION.txt").read_text(encoding="utf-8")
    listed = re.findall(r"^([0-9a-f]{64})  (\S+)$", version, re.MULTILINE)
    assert len(listed) == 3
    for digest, name in listed:
        assert hashlib.sha256((FOLDER / "swagger_ui" / name).read_bytes()).hexdigest() == digest, name


def test_the_document_is_not_sent_twice(api: Any) -> None:
    first = api.client.get("/openapi.json")
    again = api.client.get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
