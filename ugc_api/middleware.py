"""What happens around every request: an id, one log line, the metrics, the headers.

The id is the sender's own when it is harmless, so that one id follows a request through his systems and
ours; it is in the answer, in every log line and in every problem document.
"""

import re
import uuid
from typing import Any

import structlog
from flask import Flask, Response, g, request

from telemetry.clock import Clock
from telemetry.metrics import Metrics

REQUEST_ID = "X-Request-ID"
UNMATCHED = "unmatched"
QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def install(app: Flask, *, clock: Clock, metrics: Metrics) -> None:
    """Wrap every route of the app."""
    requests = metrics.counter("ugc_http_requests_total")
    seconds = metrics.histogram("ugc_http_request_seconds")
    log = structlog.get_logger()

    def begin() -> None:
        g.started = clock.monotonic()
        g.request_id = request_id(request.headers.get(REQUEST_ID))
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    def end(answer: Response) -> Response:
        answer.headers[REQUEST_ID] = g.request_id
        answer.headers["X-Content-Type-Options"] = "nosniff"
        # The template, never the path itself: a scanner's thousand paths must not become a thousand series.
        route = request.url_rule.rule if request.url_rule is not None else UNMATCHED
        elapsed_s = clock.monotonic() - g.started
        requests.labels(route, str(answer.status_code)).inc()
        seconds.labels(route).observe(elapsed_s)
        line: dict[str, Any] = {
            "method": request.method,
            "route": route,
            "status": answer.status_code,
            "elapsed_ms": round(elapsed_s * 1000, 2),
            **g.get("line", {}),
        }
        say = log.debug if route in QUIET_ROUTES and answer.status_code < 400 else log.info
        say("request_served", **line)
        return answer

    app.before_request(begin)
    app.after_request(end)


def request_id(sent: str | None) -> str:
    """The sender's id when it is short and plain, else a new one."""
    if sent is not None and _SANE_ID.fullmatch(sent):
        return sent
    return uuid.uuid4().hex
