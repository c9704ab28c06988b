"""The application, put together from parts it is handed. Nothing here connects to anything."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Parts:
    """What an application is put together from. Whoever makes them decides what is real."""

    event_log: EventLog
    buckets: Buckets
    warehouse: stats.Answers
    first_answers: FirstAnswers
    gate: Gate
    clock: Clock
    metrics: Metrics


def create_app(settings: ApiSettings, parts: Parts) -> Flask:
    """The whole HTTP surface over these parts."""
    app = Door("ugc_api")
    app.json = OrjsonProvider(app)
    middleware.install(app, clock=parts.clock, metrics=parts.metrics)
    problems.install(app)
    welcome.install(app, clock=parts.clock)
    limits = RateLimits(
        parts.buckets,
        per_minute=settings.rate_limit_per_minute,
        burst=settings.rate_limit_burst,
        metrics=parts.metrics,
    )
    remembered = Remembered(ids_max=settings.remembered_ids_max)
    collect.install(
        app,
        collect.Collector(
            settings=settings,
            event_log=parts.event_log,
            limits=limits,
            first_answers=parts.first_answers,
            remembered=remembered,
            clock=parts.clock,
            metrics=parts.metrics,
        ),
    )
    stats.install(app, stats.Stats(settings, parts.warehouse, parts.clock))
    health.install(
        app,
        checks={"broker": parts.event_log.check, "warehouse": partial(stats.check, parts.warehouse)},
        clock=parts.clock,
        metrics=parts.metrics,
    )
    openapi.install(app, clock=parts.clock)
    guard.install(app, parts.gate)
    if settings.auth_required or settings.cors_origins:
        listed = origins.parsed_list(settings.cors_origins)
        cors.install(app, rule=collect.RULE, listed=listed, named_by_keys=parts.gate.origins)
    app.wsgi_app = security_headers.around(app.wsgi_app)  # type: ignore[method-assign, assignment]
    return app
