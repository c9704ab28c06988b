"""Liveness, readiness, metrics: what a supervisor, a load balancer and Prometheus ask.

Live means the process answers; nothing it depends on can make it "dead", or an outage of the broker would
have every collector restarted. Ready means a request would be served now.
"""

from collections.abc import Mapping
from dataclasses import asdict

from flask import Flask, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from telemetry.clock import Clock
from telemetry.health import Check, run_checks
from telemetry.metrics import Metrics
from ugc_api.answers import json_response
from ugc_api.problems import Problem, ProblemCode

LIVE_RULE = "/health/live"
READY_RULE = "/health/ready"
METRICS_RULE = "/metrics"


def install(app: Flask, *, checks: Mapping[str, Check], clock: Clock, metrics: Metrics) -> None:
    """Put the routes on the app."""

    def health_live() -> Response:
        return json_response({"status": "live"})

    def health_ready() -> Response:
        results = run_checks(checks, clock=clock)
        said = {name: asdict(result) for name, result in results.items()}
        missing = [name for name, result in results.items() if not result.ready]
        if missing:
            raise Problem(
                ProblemCode.NOT_READY,
                f"Not ready: {', '.join(missing)}.",
                retry_after_s=1,
                checks=said,
            )
        return json_response({"status": "ready", "checks": said})

    def prometheus_metrics() -> Response:
        return Response(generate_latest(metrics.registry), content_type=CONTENT_TYPE_LATEST)

    for rule, view in (
        (LIVE_RULE, health_live),
        (READY_RULE, health_ready),
        (METRICS_RULE, prometheus_metrics),
    ):
        app.add_url_rule(rule, view.__name__, view, methods=["GET"])
