"""What the collector can be told, in one frozen model: every limit has its unit in its name."""

from pydantic import Field, SecretStr, field_validator

from clickhouse import zones
from contract import limits
from telemetry.settings import Settings
from ugc_api.access import origins

AHEAD_ZONES_MAX = 8
# An empty setting is one that is not given.
NOWHERE = "none"


def listed(text: str) -> tuple[str, ...]:
    """What a setting lists, separated by commas; each once."""
    return tuple(dict.fromkeys(each.strip() for each in text.split(",") if each.strip()))


class ApiSettings(Settings):
    """The HTTP side: where it listens, how long it waits, how much it holds."""

    api_host: str = Field(
        "127.0.0.1", description="Address the collector listens on; 0.0.0.0 lets other machines in."
    )
    api_workers: int = Field(
        1, ge=1, le=64, description="Collector processes. Each has a producer and metrics of its own."
    )
    api_threads: int = Field(
        32, ge=2, le=512, description="Requests one process serves at once; most of them wait for an ack."
    )
    api_connections_max: int = Field(
        1_000, ge=8, le=100_000, description="Connections one process holds, idle kept-alive ones included."
    )
    api_keep_alive_s: int = Field(
        15, ge=0, le=600, description="How long an idle connection stays open for the next request."
    )
    head_deadline_ms: int = Field(
        10_000,
        ge=100,
        le=600_000,
        description="How long a request may take from its first byte, or its connection, to the end of its "
        "headers.",
    )
    body_deadline_ms: int = Field(
        30_000,
        ge=100,
        le=600_000,
        description="How long its body may take after that. Both are waited for without keeping a thread.",
    )
    answer_deadline_ms: int = Field(
        10_000, ge=100, le=600_000, description="How long a client may take to read its answer."
    )
    api_shutdown_ms: int = Field(
        8_000,
        ge=1_000,
        le=120_000,
        description="After SIGTERM: how long running requests may take before they are cut off.",
    )
    body_bytes_max: int = Field(
        limits.BODY_BYTES_MAX, ge=1_024, le=64 * 1024 * 1024, description="Largest body of POST /events."
    )
    events_max: int = Field(
        limits.EVENTS_PER_REQUEST_MAX, ge=1, le=100_000, description="Most events one POST /events may carry."
    )
    rate_limit_per_minute: int = Field(
        6_000,
        ge=0,
        le=1_000_000_000,
        description="Events one client address (IPv6: one /64) may send a minute, in all worker processes "
        "together; 0 is no limit.",
    )
    rate_limit_burst: int = Field(
        2_000,
        ge=1,
        le=10_000_000,
        description="How many of them at once, after a while of silence; also the most one request may have.",
    )
    trusted_hops: int = Field(
        0,
        ge=0,
        le=16,
        description="How many proxies of yours stand in front: so many entries of X-Forwarded-For are "
        "believed, from the right. 0: the header is not read.",
    )
    remembered_ids_max: int = Field(
        100_000,
        ge=0,
        le=10_000_000,
        description="Ids of acknowledged events a collector process remembers, to say `duplicate` of "
        "a repeat; about 200 bytes each. 0: none.",
    )
    auth_required: bool = Field(
        False, description="Let in only who brings a key (`ugc keys create`) or a signed token."
    )
    jwt_secret: SecretStr = Field(
        SecretStr(""), description="Takes tokens signed by HS256 with this secret, 32 bytes or more."
    )
    jwt_public_key_file: str = Field(
        "", description="Takes tokens signed by RS256; the PEM file of the signer's public key."
    )
    jwt_audience: str = Field("", description="What tokens must name as their audience (aud).")
    cors_origins: str = Field(
        "",
        description="Pages that may read the answers to POST /events, besides those that keys name: origins "
        "separated by commas, https://*.example.com for every name below, * for all.",
    )
    ack_deadline_ms: int = Field(
        5_000,
        ge=1_500,
        le=60_000,
        description="How long a request waits for the broker's acknowledgement before it answers 503.",
    )
    producer_linger_ms: int = Field(
        5, ge=0, le=1_000, description="How long the producer gathers events into one batch."
    )
    producer_queue_messages_max: int = Field(
        50_000, ge=1_000, le=10_000_000, description="Events the producer holds unacknowledged at most."
    )
    producer_queue_kilobytes_max: int = Field(
        32_768, ge=1_024, le=2_097_151, description="The same bound in kilobytes; a full queue answers 503."
    )
    stats_timeout_ms: int = Field(
        10_000,
        ge=100,
        le=300_000,
        description="How long a question to the warehouse may take; then the warehouse ends it.",
    )
    stats_concurrency_max: int = Field(
        8,
        ge=1,
        le=256,
        description="Questions to the warehouse at once; never more than half of UGC_API_THREADS, "
        "or a slow warehouse would keep events out.",
    )
    stats_ahead_zones: str = Field(
        "UTC",
        description="Zones whose month of /stats/daily is read before anybody asks, separated by commas, "
        "eight at most; `none` for none. In any other the first who asks waits longer than the next.",
    )
    idempotency_rows_max: int = Field(
        1_000_000,
        ge=1_000,
        le=100_000_000,
        description="Answers kept for requests with an Idempotency-Key; the oldest go first.",
    )
    idempotency_bytes_max: int = Field(
        256 * 1024 * 1024,
        ge=8 * 1024 * 1024,
        le=64 * 1024 * 1024 * 1024,
        description="The same bound in bytes on disk, in UGC_DATA_DIR/collector.",
    )

    @field_validator("stats_ahead_zones")
    @classmethod
    def _are_zones(cls, text: str) -> str:
        names = () if text.strip() == NOWHERE else listed(text)
        if len(names) > AHEAD_ZONES_MAX:
            raise ValueError(f"names {len(names)} zones; {AHEAD_ZONES_MAX} at most are read ahead")
        if unknown := [name for name in names if name not in zones.names()]:
            raise ValueError(f"knows no time zone {unknown[0]}; give names such as Europe/Berlin")
        return ",".join(names)

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, text: str) -> str:
        return ",".join(origins.parsed_list(text))
