"""ClickHouse's own way: a Kafka engine table, and a view from it into events_raw.

At least once and no more: it does not look for ids that are there, and a crash may store a block twice.
What follows events_raw is the same as for every other insert.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from secrets import token_hex

from clickhouse_connect.driver.client import Client

from benchmarks.draining.servers import BROKER, Servers
from benchmarks.frame.errors import BenchFailed
from clickhouse.client import QueryFailed, classified, connect
from contract.topics import EVENTS

# As the wire writes them; the types are those of events_raw.
WIRE_COLUMNS = """
    event_id UUID, occurred_at DateTime64(3, 'UTC'), user_id String, event_type LowCardinality(String),
    value Float64, session_id String, skew_ms Nullable(Int64), received_at DateTime64(3, 'UTC'), ip String,
    user_agent_family LowCardinality(String), bot_reasons Array(LowCardinality(String)), properties String
"""
NAMES = (
    "event_id, occurred_at, user_id, event_type, value, session_id, skew_ms, received_at, ip, "
    "user_agent_family, bot_reasons, properties"
)
LAST_ERROR = """
SELECT arrayElement(`exceptions.text`, -1) FROM system.kafka_consumers
WHERE notEmpty(`exceptions.text`) ORDER BY arrayElement(`exceptions.time`, -1) DESC LIMIT 1
"""
# chDB says this of a CREATE TABLE of a Kafka engine that has succeeded.
SAYS_SHUTDOWN = 49


@dataclass(frozen=True, slots=True)
class Tuning:
    """How the engine is set: its table's settings, and librdkafka's, which only the server's file takes."""

    name: str
    table: Mapping[str, str | int]
    librdkafka: Mapping[str, str]


# librdkafka stops fetching for a second each time its queue is full.
LIBRDKAFKA = {"fetch_queue_backoff_ms": "5"}
CONSUMERS = {"kafka_num_consumers": 2, "kafka_thread_per_consumer": 1, "kafka_poll_timeout_ms": 100}
# Rows are seen as soon as ours are.
TUNED = Tuning(
    "tuned",
    {**CONSUMERS, "kafka_max_block_size": 65_536, "kafka_flush_interval_ms": 500},
    LIBRDKAFKA,
)
# For rows a second and nothing else: rows are seen seconds later, and there is little left to merge. With the
# default blocks of a million rows for each consumer it runs out of memory.
LARGE = Tuning(
    "large blocks",
    {**CONSUMERS, "kafka_max_block_size": 500_000, "kafka_flush_interval_ms": 5_000},
    LIBRDKAFKA,
)


class KafkaEngine:
    """A drainer. `server` is the name of its warehouse."""

    def __init__(self, servers: Servers, server: str, tuning: Tuning, *, topic_id: str) -> None:
        self.name = f"Kafka engine, {tuning.name}"
        self._servers = servers
        self._server = server
        self._tuning = tuning
        self._topic_id = topic_id
        self._client: Client | None = None

    def begin(self) -> None:
        """Reading begins when the view is there."""
        settings = {
            "kafka_broker_list": self._servers.bootstrap,
            "kafka_topic_list": EVENTS.name,
            "kafka_group_name": f"{self._server}-{self._topic_id}-{token_hex(4)}",
            "kafka_format": "JSONEachRow",
            "date_time_input_format": "best_effort",
            **self._tuning.table,
        }
        told = ", ".join(f"{name} = {_literal(value)}" for name, value in settings.items())
        self._client = connect(self._servers.dsn(self._server, "admin"))
        try:
            with classified():
                self._client.command(f"CREATE TABLE queue ({WIRE_COLUMNS}) ENGINE = Kafka SETTINGS {told}")
        except QueryFailed as error:
            if error.code != SAYS_SHUTDOWN or str(self._client.command("EXISTS TABLE queue")) != "1":
                raise
        self._client.command(
            f"CREATE MATERIALIZED VIEW queue_mv TO events_raw AS SELECT {NAMES}, "  # noqa: S608
            f"{_literal(self._topic_id)} AS kafka_topic_id, toUInt32(_partition) AS kafka_partition, "
            "_offset AS kafka_offset FROM queue"
        )

    def pids(self) -> Mapping[str, int]:
        """The warehouse does it all."""
        return {BROKER: self._servers.pid(BROKER), "warehouse": self._servers.pid(self._server)}

    def require_alive(self) -> None:
        """The supervisor knows."""
        try:
            self._servers.pid(self._server)
        except KeyError:
            raise BenchFailed(f"the warehouse of {self.name} has ended; see its log") from None

    def last_words(self) -> str:
        """The last error of its consumers."""
        told = "" if self._client is None else str(self._client.command(LAST_ERROR))
        return told.strip() or "its consumers tell of no error"

    def end(self) -> None:
        """Take view and table away; the consumers leave their group."""
        if self._client is not None:
            for name in ("queue_mv", "queue"):
                self._client.command(f"DROP TABLE IF EXISTS {name} SYNC")
            self._client.close()
            self._client = None


def _literal(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
