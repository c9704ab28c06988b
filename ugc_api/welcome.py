"""GET /: what this is and where to go from here. GET /problems/CODE: what a problem means.

A browser gets a page with a command to paste, everybody else the same in JSON.
"""

import json
from datetime import datetime
from html import escape
from pathlib import Path
from uuid import uuid4

from flask import Flask, Response, request

from telemetry.clock import Clock
from ugc_api.answers import JSON, json_response
from ugc_api.problems import KINDS, Problem, ProblemCode

WHAT = "Takes user events in over HTTP, stores each once, answers how many came."
LINKS = {
    "send_events": "POST /events",
    "daily_active_users": "GET /stats/dau?from=YYYY-MM-DD&to=YYYY-MM-DD",
    "top_events": "GET /stats/top-events?from=YYYY-MM-DD&to=YYYY-MM-DD&limit=10",
    "daily_figures": "GET /stats/daily?from=YYYY-MM-DD&to=YYYY-MM-DD",
    "retention": "GET /stats/retention?start_date=YYYY-MM-DD&windows=3&period=day",
    "retention_within_7_days": "GET /stats/retention-7d?from=YYYY-MM-DD&to=YYYY-MM-DD",
    "returning_users": "GET /stats/returning?date=YYYY-MM-DD&days=7",
    "documentation": "GET /apidocs/",
    "openapi": "GET /openapi.json",
    "live": "GET /health/live",
    "ready": "GET /health/ready",
    "metrics": "GET /metrics",
    "problems": "GET /problems/{code}",
}
PAGE = Path(__file__).with_name("welcome.html")
HTML = "text/html"
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def install(app: Flask, *, clock: Clock) -> None:
    """Put the routes on the app."""
    template = PAGE.read_text(encoding="utf-8")

    def welcome() -> Response:
        if request.accept_mimetypes.best_match([JSON, HTML]) == HTML:
            answer = Response(_page(template, url=request.url_root, now=clock.now()), mimetype=HTML)
            answer.headers["Content-Security-Policy"] = POLICY
        else:
            answer = json_response({"name": "ugc", "what": WHAT, "links": LINKS})
        answer.headers["Vary"] = "Accept"
        return answer

    def explain_problem(code: str) -> Response:
        try:
            known = ProblemCode(code)
        except ValueError:
            codes = ", ".join(ProblemCode)
            raise Problem(
                ProblemCode.NOT_FOUND, f"No problem is called {code[:64]!r}; there are: {codes}."
            ) from None
        kind = KINDS[known]
        return json_response(
            {"code": known, "status": kind.status, "title": kind.title, "what_to_do": kind.what_to_do}
        )

    app.add_url_rule("/", "welcome", welcome, methods=["GET"])
    app.add_url_rule("/problems/<code>", "explain_problem", explain_problem, methods=["GET"])


def _page(template: str, *, url: str, now: datetime) -> str:
    event = {
        "event_id": str(uuid4()),
        "occurred_at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "user_id": "me",
        "event_type": "click",
        "properties": {"element": "first-button"},
    }
    filled = {"what": WHAT, "url": url, "event": json.dumps(event), "today": now.date().isoformat()}
    for name, value in filled.items():
        template = template.replace(f"{{{name}}}", escape(value, quote=name != "event"))
    return template
