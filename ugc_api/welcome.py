"""GET /: what this is and where to go from here. GET /problems/CODE: what a problem means."""

from flask import Flask, Response

from ugc_api.answers import json_response
from ugc_api.problems import KINDS, Problem, ProblemCode

WHAT = "Takes user events in over HTTP, stores each once, answers how many came."
LINKS = {
    "send_events": "POST /events",
    "daily_active_users": "GET /stats/dau?from=YYYY-MM-DD&to=YYYY-MM-DD",
    "documentation": "GET /apidocs/",
    "openapi": "GET /openapi.json",
    "live": "GET /health/live",
    "ready": "GET /health/ready",
    "metrics": "GET /metrics",
    "problems": "GET /problems/{code}",
}


def install(app: Flask) -> None:
    """Put the routes on the app."""

    def welcome() -> Response:
        return json_response({"name": "ugc", "what": WHAT, "links": LINKS})

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
