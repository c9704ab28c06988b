"""The broker's configuration, as data. Each value that is not Kafka's default has its reason here."""

from embedded.broker.config import MIB, BrokerConfig

DAY_MS = 24 * 60 * 60 * 1000
YEAR_MINUTES = 365 * 24 * 60


def properties(config: BrokerConfig, *, controller_port: int) -> dict[str, str]:
    """Everything the node is told. Written anew at each start, so ports may change between starts."""
    return {
        **_addresses(config, controller_port),
        **_single_node(),
        **_bounds(config),
        **_coming_back(),
        **_small_machine(),
    }


def render(values: dict[str, str]) -> str:
    """As a properties file. A backslash would start an escape there, so it is doubled."""
    lines = (f"{name}={value}".replace("\\", "\\\\") for name, value in values.items())
    return "# Written at each start of the broker; changes made here are lost.\n" + "\n".join(lines) + "\n"


def _addresses(config: BrokerConfig, controller_port: int) -> dict[str, str]:
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "listeners": f"PLAINTEXT://{config.bootstrap},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{config.bootstrap}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller_port}",
        "log.dirs": str(config.log_dir),
    }


def _single_node() -> dict[str, str]:
    return {
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # Nobody else will join: a group starts with its first member.
        "group.initial.rebalance.delay.ms": "0",
        # A misspelt topic is an error, not a topic with other settings.
        "auto.create.topics.enable": "false",
    }


def _bounds(config: BrokerConfig) -> dict[str, str]:
    return {
        "message.max.bytes": str(config.message_bytes_max),
        "log.retention.ms": str(config.retention_days * DAY_MS),
        "log.retention.bytes": str(config.partition_bytes_max),
        # After a kill the last segment of each partition is read through: small ones are read quickly.
        "log.segment.bytes": str(128 * MIB),
        "offsets.topic.segment.bytes": str(16 * MIB),
        "transaction.state.log.segment.bytes": str(16 * MIB),
        "metadata.log.segment.bytes": str(16 * MIB),
        # A stack that was off for longer than Kafka's seven days must still know how far it had come.
        "offsets.retention.minutes": str(YEAR_MINUTES),
    }


def _coming_back() -> dict[str, str]:
    return {
        # After kill -9 the controller refuses the broker until its former self's session has run out.
        # Kafka's default of 9 s makes a restart take 12 s; a stall longer than this only pauses clients.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
        "num.recovery.threads.per.data.dir": "2",
        # The new group protocol takes its session time-out from here: a killed consumer's partitions
        # are free again in 10 s instead of 45.
        "group.consumer.session.timeout.ms": "10000",
        "group.consumer.min.session.timeout.ms": "6000",
        "group.consumer.heartbeat.interval.ms": "3000",
        "group.consumer.min.heartbeat.interval.ms": "1000",
    }


def _small_machine() -> dict[str, str]:
    return {
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        # Kafka takes 128 MiB of heap for compaction; the two small compacted topics need a fraction.
        "log.cleaner.dedupe.buffer.size": str(8 * MIB),
        # An idle broker writes and syncs an empty record twice a second by default.
        "metadata.max.idle.interval.ms": "5000",
    }
