"""The one place with real clients: builds the service of one worker process, in that process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from flask import Flask

from clickhouse.client import connect
from clickhouse.warehouse import Warehouse
from contract.topics import EVENTS
from telemetry.clock import Clock, SystemClock
from telemetry.metrics import Metrics, OwnSheet, Sheets
from telemetry.shared_sheets import SharedSheets
from ugc_api.access import building
from ugc_api.app import Parts, create_app
from ugc_api.idempotency.answer_store import AnswerStore, StoreLimits
from ugc_api.idempotency.claims import Claims
from ugc_api.idempotency.first_answers import FirstAnswers
from ugc_api.kafka_log import KafkaEventLog
from ugc_api.lazy_warehouse import LazyWarehouse
from ugc_api.limiting.buckets import Buckets
from ugc_api.limiting.memory import shared_or_own
from ugc_api.producer_link import ProducerLimits
from ugc_api.settings import ApiSettings, listed
from ugc_api.stats.ahead import ReadingAhead

PING_TIMEOUT_S = 2
GRACE_S = 1
BUCKETS_FILE = "collector/buckets"


@dataclass(frozen=True, slots=True)
class Service:
    """An application and what must be done when its process ends."""

    application: Flask
    close: Callable[[], int]


def build(settings: ApiSettings) -> Service:
    """Everything real. Call it after the fork; it returns at once, whoever is away."""
    clock = SystemClock()
    metrics = Metrics(_sheets(settings))
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
    first_answers = _first_answers(settings, clock, metrics)
    warehouse = _warehouse(settings, clock)
    ahead = ReadingAhead(warehouse, listed(settings.stats_ahead_zones), clock=clock)
    ahead.start()
    parts = Parts(
        event_log=event_log,
        buckets=Buckets(shared_or_own(settings.data_dir / BUCKETS_FILE), clock=clock),
        warehouse=warehouse,
        first_answers=first_answers,
        gate=building.build(settings, clock=clock, metrics=metrics),
        clock=clock,
        metrics=metrics,
    )

    def close() -> int:
        ahead.stop()
        first_answers.close()
        return event_log.close()

    return Service(create_app(settings, parts), close)


def metrics_folder(settings: ApiSettings) -> Path:
    """Where the processes of this collector count; the port tells it from others on this host."""
    return settings.data_dir / "collector" / f"metrics-{settings.api_port}"


def _sheets(settings: ApiSettings) -> Sheets:
    try:
        return SharedSheets(metrics_folder(settings))
    except OSError as error:
        structlog.get_logger().warning("metrics_not_shared", reason=str(error))
        return OwnSheet()


def _first_answers(settings: ApiSettings, clock: Clock, metrics: Metrics) -> FirstAnswers:
    folder = settings.data_dir / "collector"
    limits = StoreLimits(settings.idempotency_rows_max, settings.idempotency_bytes_max)
    return FirstAnswers(
        AnswerStore(folder / "answers.sqlite3", limits=limits, clock=clock),
        Claims(folder / "claims"),
        metrics=metrics,
    )


def _warehouse(settings: ApiSettings, clock: Clock) -> LazyWarehouse:
    dsn = settings.dsn("reader")

    def connected(timeout_s: float) -> Warehouse:
        # The server gives up first, and says why; nothing runs on that nobody waits for.
        client = connect(dsn, read_timeout_s=timeout_s + GRACE_S, query_timeout_s=timeout_s)
        return Warehouse(client, clock=clock)

    return LazyWarehouse(
        connected, answer_timeout_s=settings.stats_timeout_ms / 1000, ping_timeout_s=PING_TIMEOUT_S
    )
