"""librdkafka's settings: of the consumer, and how every Kafka client of this process reaches the broker."""

import logging
from typing import Any

from etl.settings import EtlSettings

TOLD_EVERY_MS = 2_000


def configuration(settings: EtlSettings) -> dict[str, Any]:
    """librdkafka's settings for the consumer."""
    static = {"group.instance.id": settings.etl_instance_id} if settings.etl_instance_id else {}
    if settings.etl_group_protocol == "consumer":
        # The broker shares the partitions out and watches over sessions: naming these here is an error.
        group: dict[str, Any] = {"group.protocol": "consumer", "statistics.interval.ms": TOLD_EVERY_MS}
    else:
        group = {
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": settings.etl_session_timeout_ms,
            "heartbeat.interval.ms": max(1, settings.etl_session_timeout_ms // 4),
        }
    return {
        **connection(settings),
        **static,
        **group,
        "group.id": settings.etl_group_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "error",
        "isolation.level": "read_committed",
        "max.poll.interval.ms": settings.etl_max_poll_interval_ms,
        # A full queue stops fetching for a whole second by default: most of the time, under load.
        "fetch.queue.backoff.ms": 5,
        "queued.min.messages": 50_000,
        "queued.max.messages.kbytes": 8_192,
        "allow.auto.create.topics": False,
    }


def connection(settings: EtlSettings) -> dict[str, Any]:
    """How every Kafka client of this process reaches the broker."""
    return {
        "bootstrap.servers": settings.bootstrap(),
        "client.id": "ugc-etl",
        "socket.timeout.ms": 10_000,
        "socket.keepalive.enable": True,
        # After an outage the default pause of 10 s would be most of the time we may take to return.
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1_000,
        "log.connection.close": False,
        "logger": logging.getLogger("librdkafka"),
    }
