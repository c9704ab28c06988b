"""The addresses for people, as the documentation shows them."""

from typing import Any

from ugc_api.openapi.parts import json_answer, problem_answer, ref
from ugc_api.problems import KINDS, ProblemCode

# The same for a browser, which asks for it by its Accept.
WELCOME = json_answer("A sentence and the addresses.", ref("Welcome"))
WELCOME["content"]["text/html"] = {"schema": {"type": "string"}}

DOCS: dict[str, dict[str, Any]] = {
    "welcome": {
        "tags": ["about"],
        "summary": "What this is",
        "operationId": "welcome",
        "responses": {"200": WELCOME},
    },
    "explain_problem": {
        "tags": ["about"],
        "summary": "What a problem means",
        "description": "The `type` of every problem document leads here.",
        "operationId": "explain_problem",
        "parameters": [
            {
                "name": "code",
                "in": "path",
                "required": True,
                "description": "The `code` of the problem.",
                "schema": {"type": "string", "enum": [str(code) for code in KINDS]},
            }
        ],
        "responses": {
            "200": json_answer("What happened and what to do.", ref("ProblemKind")),
            "404": problem_answer(ProblemCode.NOT_FOUND),
        },
    },
    "openapi_document": {
        "tags": ["about"],
        "summary": "This document",
        "operationId": "openapi_document",
        "responses": {"200": json_answer("OpenAPI 3.1.", {"type": "object"})},
    },
}
