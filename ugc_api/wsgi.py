"""The one place with real clients: builds the service of one worker process, in that process."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask

from clickhouse.client import connect
from clickhouse.warehouse import Warehouse
from contract.topics import EVENTS
from telemetry.clock import Clock, SystemClock
from telemetry.metrics import Metrics
from ugc_api.access import building
from ugc_api.app import create_app
from ugc_api.kafka_log import KafkaEventLog
from ugc_api.lazy_warehouse import LazyWarehouse
from ugc_api.producer_link import ProducerLimits
from ugc_api.settings import ApiSettings

PING_TIMEOUT_S = 2


@dataclass(frozen=True, slots=True)
class Service:
    """An application and what must be done when its process ends."""

    application: Flask
    close: Callable[[], int]


def build(settings: ApiSettings) -> Service:
    """Everything real. Call it after the fork; it returns at once, whoever is away."""
    clock = SystemClock()
    metrics = Metrics()
    event_log = KafkaEventLog(
        bootstrap=settings.bootstrap(),
        topic=EVENTS,
        limits=ProducerLimits(
            ack_deadline_ms=settings.ack_deadline_ms,
            linger_ms=settings.producer_linger_ms,
            queue_messages_max=settings.producer_queue_messages_max,
            queue_kilobytes_max=settings.producer_queue_kilobytes_max,
        ),
        clock=clock,
        metrics=metrics,
    )
    event_log.start()
    application = create_app(
        settings,
        event_log=event_log,
        warehouse=_warehouse(settings, clock),
        clock=clock,
        metrics=metrics,
        gate=building.build(settings, clock=clock, metrics=metrics),
    )
    return Service(application, event_log.close)


def _warehouse(settings: ApiSettings, clock: Clock) -> LazyWarehouse:
    dsn = settings.dsn("reader")
    return LazyWarehouse(
        lambda timeout_s: Warehouse(connect(dsn, read_timeout_s=timeout_s), clock=clock),
        read_timeout_s=max(1, settings.stats_timeout_ms // 1000),
        ping_timeout_s=PING_TIMEOUT_S,
    )
