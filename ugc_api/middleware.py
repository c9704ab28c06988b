"""What happens around every request: an id, one log line, the metrics, the headers.

The id is the sender's own when it is harmless, so that one id follows a request through his systems and
ours; it is in the answer, in every log line and in every problem document.
"""

import os
import re
from typing import Any

import structlog
from flask import Flask, Response
from flask.globals import app_ctx, request_ctx

from telemetry import logs
from telemetry.clock import Clock
from telemetry.metrics import Metrics
from telemetry.series import Counter, Histogram
from ugc_api import security_headers

REQUEST_ID = "X-Request-ID"
REQUEST_ID_BYTES = 16
UNMATCHED = "unmatched"
QUIET_ROUTES = frozenset({"/health/live", "/health/ready", "/metrics"})
_SANE_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def install(app: Flask, *, clock: Clock, metrics: Metrics) -> None:
    """Wrap every route of the app. The logs are configured before this is called."""
    log = structlog.get_logger().bind()
    count = _Counts(metrics)

    def begin() -> None:
        # A look through a proxy costs more than the thing looked at: once is enough.
        held, asked = app_ctx.g, request_ctx.request
        held.started = clock.monotonic()
        held.request_id = request_id(asked.environ.get("HTTP_X_REQUEST_ID"))
        security_headers.say(asked.environ, (REQUEST_ID, held.request_id))
        logs.begin(request_id=held.request_id)

    def end(answer: Response) -> Response:
        held, asked = app_ctx.g, request_ctx.request
        status = answer.status_code
        # The template, never the path itself: a scanner's thousand paths must not become a thousand series.
        route = asked.url_rule.rule if asked.url_rule is not None else UNMATCHED
        elapsed_s = clock.monotonic() - held.started
        count(route, status, elapsed_s)
        line: dict[str, Any] = {
            "method": asked.method,
            "route": route,
            "status": status,
            "elapsed_ms": round(elapsed_s * 1000, 2),
            **held.get("line", {}),
        }
        say = log.debug if route in QUIET_ROUTES and status < 400 else log.info
        say("request_served", **line)
        return answer

    app.before_request(begin)
    app.after_request(end)


class _Counts:
    """The two metrics of every request, each series looked up once; routes and statuses are few."""

    def __init__(self, metrics: Metrics) -> None:
        self._requests = metrics.counter("ugc_http_requests_total")
        self._seconds = metrics.histogram("ugc_http_request_seconds")
        self._series: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def __call__(self, route: str, status: int, elapsed_s: float) -> None:
        found = self._series.get((route, status))
        if found is None:
            found = self._requests.labels(route, str(status)), self._seconds.labels(route)
            self._series[route, status] = found
        found[0].inc()
        found[1].observe(elapsed_s)


def request_id(sent: str | None) -> str:
    """The sender's id when it is short and plain, else a new one."""
    if sent is not None and _SANE_ID.fullmatch(sent):
        return sent
    return os.urandom(REQUEST_ID_BYTES).hex()
