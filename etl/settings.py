"""What the ETL can be told. Limits that only make sense together are checked together, at the start."""

from typing import Literal

from pydantic import Field, model_validator

from etl.cutting import CutLimits
from telemetry.settings import Settings


class EtlSettings(Settings):
    """The pipeline: how much it takes at once, how long it waits, where it says how it is."""

    batch_rows_max: int = Field(
        100_000, ge=1, le=1_000_000, description="Messages in one range at most: one insert."
    )
    batch_bytes_max: int = Field(
        40 * 1024 * 1024, ge=1024, le=1024**3, description="Bytes in one range at most."
    )
    etl_buffer_bytes_max: int = Field(
        120 * 1024 * 1024,
        ge=1024,
        le=16 * 1024**3,
        description="Bytes read and not yet moved, over all partitions; then reading waits.",
    )
    etl_loaders: int = Field(
        2, ge=1, le=32, description="Ranges, of different partitions, that are stored at the same time."
    )
    flush_interval_ms: int = Field(
        500, ge=1, le=60_000, description="How long a message waits for others before its range is moved."
    )
    etl_metrics_host: str = Field(
        "127.0.0.1", description="Address of the ETL's /metrics and /health; 0.0.0.0 lets other machines in."
    )
    etl_metrics_port: int = Field(9002, ge=1, le=65535, description="Port of the ETL's /metrics and /health.")
    etl_group_id: str = Field(
        "ugc-etl", min_length=1, max_length=200, description="Consumer group; its commits are the progress."
    )
    etl_instance_id: str = Field(
        "",
        max_length=200,
        description="A name this process keeps over restarts, unique in the group: it gets its partitions "
        "back at once. Empty: it joins as a new member.",
    )
    etl_group_protocol: Literal["classic", "consumer"] = Field(
        "classic",
        description="How the group shares its partitions: classic, or consumer (KIP-848: the broker decides, "
        "the session time-out is the broker's).",
    )
    etl_partitions_accepted: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Go on once although the topic now has this many partitions: only after the group has "
        "drained, as copies of an event may lie in another partition than before. 0: never.",
    )
    etl_canary_interval_ms: int = Field(
        5_000,
        ge=0,
        le=600_000,
        description="How often a canary is sent through each partition, to measure freshness; 0: never.",
    )
    etl_seen_bytes_max: int = Field(
        64 * 1024 * 1024,
        ge=0,
        le=16 * 1024**3,
        description="Memory for ids that do not tell their own time (not UUIDv7), over all partitions; "
        "0: every id is looked up in the warehouse.",
    )
    etl_dead_ratio_max: float = Field(
        0.5, gt=0, le=1, description="Stop when more than this part of the last messages were dead letters."
    )
    etl_dead_run_max: int = Field(
        1_000, ge=1, le=10_000_000, description="Stop after this many dead letters in a row."
    )
    etl_dead_window: int = Field(
        10_000, ge=1, le=10_000_000, description="Messages that the ratio of dead letters is taken over."
    )
    etl_session_timeout_ms: int = Field(
        10_000, ge=1_000, le=300_000, description="After this silence the broker gives our partitions away."
    )
    etl_max_poll_interval_ms: int = Field(
        300_000, ge=3_000, le=3_600_000, description="No single step may block longer than a third of this."
    )
    etl_warehouse_timeout_ms: int = Field(
        60_000, ge=1_000, le=600_000, description="How long one question or insert may take."
    )
    etl_retry_max_ms: int = Field(
        5_000, ge=10, le=60_000, description="Longest pause between two attempts during an outage."
    )
    etl_stalled_after_ms: int = Field(
        30_000, ge=1_000, le=3_600_000, description="Not ready when messages wait and none moved for so long."
    )
    etl_stop_within_ms: int = Field(
        9_000, ge=100, le=120_000, description="After SIGTERM: when to leave a step that does not end."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> "EtlSettings":
        block_ms_max = self.etl_max_poll_interval_ms / 3
        for name in ("flush_interval_ms", "etl_warehouse_timeout_ms", "etl_retry_max_ms"):
            if getattr(self, name) >= block_ms_max:
                raise ValueError(
                    f"the value of UGC_{name.upper()} must be below a third of UGC_ETL_MAX_POLL_INTERVAL_MS "
                    f"({block_ms_max:.0f}), or one step could cost the process its partitions"
                )
        if self.etl_instance_id and self.etl_group_protocol == "consumer":
            raise ValueError(
                "the name UGC_ETL_INSTANCE_ID does not go with UGC_ETL_GROUP_PROTOCOL=consumer: after a "
                "crash the broker keeps it taken until its own session is over, and nobody could go on; "
                "leave one of them out"
            )
        if self.etl_session_timeout_ms > self.etl_max_poll_interval_ms:
            raise ValueError(
                "the value of UGC_ETL_SESSION_TIMEOUT_MS must not exceed UGC_ETL_MAX_POLL_INTERVAL_MS"
            )
        return self

    def cut_limits(self) -> CutLimits:
        """What bounds one range."""
        return CutLimits(
            batch_rows_max=self.batch_rows_max,
            batch_bytes_max=self.batch_bytes_max,
            flush_interval_ms=self.flush_interval_ms,
        )
