"""/openapi.json, /apidocs/ and the files of the page, all served from here: no third party hears of it."""

from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import orjson
from flask import Flask, Response, request, send_from_directory

from telemetry.clock import Clock
from ugc_api.openapi.document import describe
from ugc_api.openapi.routes.events import EXAMPLE_DAY

FOLDER = Path(__file__).parent
FILES: dict[str, str] = {
    "docs.css": "page",
    "docs.js": "page",
    "favicon.png": "page",
    "swagger-ui.css": "swagger_ui",
    "swagger-ui-bundle.js": "swagger_ui",
    "swagger-ui-standalone-preset.js": "swagger_ui",
}
# The browser itself holds the page to the promise above.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CACHED_S = 86_400


def install(app: Flask, *, clock: Clock) -> None:
    """Put the routes on the app. Last, because the document describes all the others."""
    page = (FOLDER / "page" / "docs.html").read_text(encoding="utf-8")

    def openapi_document() -> Response:
        body = document.of(clock.now().date())
        answer = Response(body, content_type="application/json")
        # Kept, and asked about each time: the examples change with the day.
        answer.headers["Cache-Control"] = "no-cache"
        answer.set_etag(sha256(body).hexdigest()[:16])
        answer.make_conditional(request)
        return answer

    def documentation() -> Response:
        answer = Response(page, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    def documentation_file(name: str) -> Response:
        folder = FOLDER / FILES.get(name, "nowhere")
        return send_from_directory(folder, name, max_age=CACHED_S)

    app.add_url_rule("/openapi.json", "openapi_document", openapi_document, methods=["GET"])
    app.add_url_rule("/apidocs/", "documentation", documentation, methods=["GET"])
    app.add_url_rule("/apidocs/<name>", "documentation_file", documentation_file, methods=["GET"])
    document = _Document(orjson.dumps(describe(app)))


class _Document:
    """The document as of a day: its examples happened the day before, so they can be sent as they stand."""

    def __init__(self, template: bytes) -> None:
        self._template = template
        self._of_day: tuple[date, bytes] | None = None

    def of(self, today: date) -> bytes:
        """Bytes, made once a day."""
        made = self._of_day
        if made is None or made[0] != today:
            yesterday = (today - timedelta(days=1)).isoformat()
            made = (today, self._template.replace(EXAMPLE_DAY.encode(), yesterday.encode()))
            self._of_day = made
        return made[1]
