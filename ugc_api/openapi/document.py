"""The OpenAPI 3.1 document: flasgger walks the routes, the contract's models say what an event is."""

from typing import Any

from flasgger import Swagger
from flasgger.base import NO_SANITIZER
from flask import Flask

from ugc_api.openapi.event_schemas import event_schemas
from ugc_api.openapi.routes import DOCS, UNDOCUMENTED
from ugc_api.openapi.schemas import KEYS, SCHEMAS
from ugc_api.openapi.stats_schemas import STATS_SCHEMAS

VERSION = "1.0.0"
ENDPOINT = "openapi"
DESCRIPTION = """Takes user events in, stores each once, answers who came, who came back and what they did.

Every refusal is an RFC 9457 problem document with a stable `code`; `GET /problems/{code}` explains it.
Every answer carries `X-Request-ID`: yours when you sent one, else ours.
"""
TAGS = [
    {"name": "events", "description": "Events in."},
    {"name": "stats", "description": "Answers out."},
    {"name": "health", "description": "For supervisors and operators."},
    {"name": "about", "description": "What this is."},
]


def describe(app: Flask) -> dict[str, Any]:
    """The document of `app`'s routes. Raises LookupError when a route is not documented or the reverse."""
    _require_every_route(app)
    for endpoint, docs in DOCS.items():
        # Where flasgger looks; its decorator would only wrap every call in one more.
        vars(app.view_functions[endpoint])["specs_dict"] = docs
    collector = Swagger(
        config={
            "openapi": "3.1.0",
            "specs": [{"endpoint": ENDPOINT, "rule_filter": lambda rule: rule.endpoint in DOCS}],
        },
        template={
            "info": {"title": "Events and statistics", "version": VERSION, "description": DESCRIPTION},
            "tags": TAGS,
            "components": {
                "schemas": {**event_schemas(), **SCHEMAS, **STATS_SCHEMAS},
                "securitySchemes": KEYS,
            },
        },
        sanitizer=NO_SANITIZER,
    )
    # Its init_app would add routes, a hook on every request and a page with a third party's font.
    collector.app = app
    with app.app_context():
        document: dict[str, Any] = collector.get_apispecs(ENDPOINT)
    return document


def _require_every_route(app: Flask) -> None:
    routes = {rule.endpoint for rule in app.url_map.iter_rules()} - UNDOCUMENTED
    odd = routes ^ set(DOCS)
    if odd:
        raise LookupError(f"routes and their documentation differ: {', '.join(sorted(odd))}")
