"""The application, put together from parts it is handed. Nothing here connects to anything."""

from functools import partial

from flask import Flask

from telemetry.clock import Clock
from telemetry.metrics import Metrics
from ugc_api import collect, health, middleware, openapi, problems, security_headers, stats, welcome
from ugc_api.access import cors, guard, origins
from ugc_api.access.gate import Gate
from ugc_api.answers import OrjsonProvider
from ugc_api.door import Door
from ugc_api.event_log import EventLog
from ugc_api.idempotency.first_answers import FirstAnswers
from ugc_api.limiting.buckets import Buckets
from ugc_api.limiting.limits import RateLimits
from ugc_api.remembered import Remembered
from ugc_api.settings import ApiSettings


def create_app(  # noqa: PLR0913 - every collaborator is handed in
    settings: ApiSettings,
    *,
    event_log: EventLog,
    buckets: Buckets,
    warehouse: stats.Answers,
    first_answers: FirstAnswers,
    clock: Clock,
    metrics: Metrics,
    gate: Gate,
) -> Flask:
    """The whole HTTP surface over these parts."""
    app = Door("ugc_api")
    app.json = OrjsonProvider(app)
    middleware.install(app, clock=clock, metrics=metrics)
    problems.install(app)
    welcome.install(app, clock=clock)
    limits = RateLimits(
        buckets,
        per_minute=settings.rate_limit_per_minute,
        burst=settings.rate_limit_burst,
        metrics=metrics,
    )
    remembered = Remembered(ids_max=settings.remembered_ids_max)
    collect.install(
        app,
        collect.Collector(
            settings=settings,
            event_log=event_log,
            limits=limits,
            first_answers=first_answers,
            remembered=remembered,
            clock=clock,
            metrics=metrics,
        ),
    )
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
