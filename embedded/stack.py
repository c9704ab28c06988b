"""The two services this machine would otherwise lack, as the supervisor runs them: the log and the warehouse.

Settings that name servers of one's own (UGC_KAFKA_BOOTSTRAP, UGC_WAREHOUSE_DSN) leave the local one out.
"""

import sys
from pathlib import Path
from typing import TextIO

from embedded.broker.config import BrokerConfig
from embedded.broker.download import MavenDownload
from embedded.broker.node import Broker
from embedded.stack_settings import StackSettings
from embedded.supervisor import Service
from telemetry.clock import Clock
from telemetry.settings import PREFIX, ROLES

BROKER_STOP_WITHIN_S = 30
WAREHOUSE_STOP_WITHIN_S = 30


def services(settings: StackSettings, *, clock: Clock, out: TextIO) -> list[Service]:
    """The local services these settings ask for, ready to be started side by side.

    Downloads what the broker needs, once a machine, showing it on `out`. Raises BrokerError.
    """
    asked = []
    if not settings.kafka_bootstrap:
        asked.append(_broker(settings, clock=clock, out=out))
    if not settings.warehouse_dsn:
        asked.append(_warehouse(settings))
    return asked


def check(settings: StackSettings) -> None:
    """Refuse what the local services could not live with, before anything is written. Raises BrokerError."""
    if not settings.kafka_bootstrap:
        _broker_config(settings)


def ports(settings: StackSettings) -> dict[str, int]:
    """The ports the local services will listen on, by the setting that chooses each."""
    taken = {}
    if not settings.kafka_bootstrap:
        taken["UGC_KAFKA_PORT"] = settings.kafka_port
    if not settings.warehouse_dsn:
        taken["UGC_WAREHOUSE_PORT"] = settings.warehouse_port
    return taken


def child_environment(settings: StackSettings) -> dict[str, str]:
    """What a child of ours needs beside the environment it inherits."""
    return {f"{PREFIX}DATA_DIR": str(settings.data_dir.absolute()), f"{PREFIX}LOG_FORMAT": "json"}


def _broker_config(settings: StackSettings) -> BrokerConfig:
    return BrokerConfig(
        data_dir=settings.data_dir.absolute(),
        cache_dir=settings.cache_dir.expanduser().absolute(),
        port=settings.kafka_port,
        java=Path(settings.java) if settings.java else None,
        heap_mb=settings.broker_heap_mb,
        retention_days=settings.topic_retention_days,
    )


def _broker(settings: StackSettings, *, clock: Clock, out: TextIO) -> Service:
    broker = Broker(_broker_config(settings), clock=clock, fetch=MavenDownload(clock=clock))
    broker.prepare(out=out)
    return Service(
        name="broker",
        command=broker.command(),
        environment=child_environment(settings),
        ready=broker.serves,
        stop_within_s=BROKER_STOP_WITHIN_S,
    )


def _warehouse(settings: StackSettings) -> Service:
    from embedded.warehouse.probe import serves  # noqa: PLC0415

    passwords = {
        f"{PREFIX}{role.upper()}_PASSWORD": getattr(settings, f"{role}_password").get_secret_value()
        for role in ROLES
    }
    return Service(
        name="warehouse",
        command=[
            *(sys.executable, "-m", "embedded.warehouse"),
            *("--path", str(settings.data_dir.absolute() / "warehouse")),
            *("--port", str(settings.warehouse_port)),
            *("--memory-mb", str(settings.warehouse_memory_mb)),
        ],
        environment={**child_environment(settings), **passwords},
        ready=lambda: serves(settings.warehouse_port),
        stop_within_s=WAREHOUSE_STOP_WITHIN_S,
    )
