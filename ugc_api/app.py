"""The application, put together from parts it is handed. Nothing here connects to anything."""

from functools import partial

from flask import Flask

from telemetry.clock import Clock
from telemetry.metrics import Metrics
from ugc_api import collect, health, middleware, openapi, problems, stats, welcome
from ugc_api.answers import OrjsonProvider
from ugc_api.event_log import EventLog
from ugc_api.remembered import Remembered
from ugc_api.settings import ApiSettings


def create_app(
    settings: ApiSettings,
    *,
    event_log: EventLog,
    warehouse: stats.Answers,
    clock: Clock,
    metrics: Metrics,
) -> Flask:
    """The whole HTTP surface over these parts."""
    app = Flask("ugc_api", static_folder=None)
    app.json = OrjsonProvider(app)
    middleware.install(app, clock=clock, metrics=metrics)
    problems.install(app)
    welcome.install(app, clock=clock)
    remembered = Remembered(ids_max=settings.remembered_ids_max)
    collect.install(app, collect.Collector(settings, event_log, clock, metrics, remembered))
    stats.install(app, stats.Stats(settings, warehouse, clock))
    health.install(
        app,
        checks={"broker": event_log.check, "warehouse": partial(stats.check, warehouse)},
        clock=clock,
        metrics=metrics,
    )
    openapi.install(app, clock=clock)
    return app
