"""The application, put together from parts it is handed. Nothing here connects to anything."""

from functools import partial

from flask import Flask

from telemetry.clock import Clock
from telemetry.metrics import Metrics
from ugc_api import collect, health, middleware, openapi, problems, security_headers, stats, welcome
from ugc_api.access import cors, guard, origins
from ugc_api.access.gate import Gate
from ugc_api.answers import OrjsonProvider
from ugc_api.event_log import EventLog
from ugc_api.settings import ApiSettings


def create_app(  # noqa: PLR0913 - every collaborator is handed in
    settings: ApiSettings,
    *,
    event_log: EventLog,
    warehouse: stats.Answers,
    clock: Clock,
    metrics: Metrics,
    gate: Gate,
) -> Flask:
    """The whole HTTP surface over these parts."""
    app = Flask("ugc_api", static_folder=None)
    app.json = OrjsonProvider(app)
    middleware.install(app, clock=clock, metrics=metrics)
    problems.install(app)
    welcome.install(app)
    collect.install(app, collect.Collector(settings, event_log, clock, metrics))
    stats.install(app, stats.Stats(settings, warehouse, clock))
    health.install(
        app,
        checks={"broker": event_log.check, "warehouse": partial(stats.check, warehouse)},
        clock=clock,
        metrics=metrics,
    )
    openapi.install(app, clock=clock)
    guard.install(app, gate)
    if settings.auth_required or settings.cors_origins:
        listed = origins.parsed_list(settings.cors_origins)
        cors.install(app, rule=collect.RULE, listed=listed, named_by_keys=gate.origins)
    app.wsgi_app = security_headers.around(app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app
