-- One row per event, ever: what the collector accepted, as it was sent.
-- Undo: DROP TABLE events_raw (the rows of the last days can be read again from the log).
--
-- Order: an id lookup that knows the hour reads one granule run; UUIDs sort wrongly unless cast.
-- Day partitions: the 30-day TTL drops whole parts and never rewrites one.
-- The deduplication window counts parts, and a range may touch 31 days: 10,000 covers 320 such ranges.
CREATE TABLE IF NOT EXISTS events_raw
(
    event_id          UUID                             COMMENT 'Identity of the event for ever; one row per id.',
    occurred_at       DateTime64(3, 'UTC')             COMMENT 'When it happened, by the client''s clock; never rewritten.',
    user_id           String                           COMMENT 'Who did it, as the client names the user.',
    event_type        LowCardinality(String)           COMMENT 'What was done: a known type such as click, or a custom name.',
    properties        String CODEC(ZSTD(3))            COMMENT 'The JSON object exactly as it was sent.',
    value             Float64                          COMMENT 'Points or money; 0 when the client sent none.',
    session_id        String                           COMMENT 'The client''s session; empty when it sent none.',
    skew_ms           Nullable(Int64)                  COMMENT 'received_at minus the client''s sent_at; NULL when it sent none.',
    received_at       DateTime64(3, 'UTC')             COMMENT 'When the collector took it in.',
    ip                String                           COMMENT 'Sender''s network: IPv4 cut to /24, IPv6 to /48.',
    user_agent_family LowCardinality(String)           COMMENT 'Family of the sender''s user agent; empty when unknown.',
    bot_reasons       Array(LowCardinality(String))    COMMENT 'Why the collector takes the sender for a bot; empty for people.',
    is_bot            Bool DEFAULT notEmpty(bot_reasons) COMMENT 'True when bot_reasons names any.',
    kafka_topic_id    LowCardinality(String)           COMMENT 'Id of the topic the row was read from; a recreated topic has another.',
    kafka_partition   UInt32                           COMMENT 'Partition of the log the row was read from.',
    kafka_offset      UInt64                           COMMENT 'Offset in that partition; with topic and partition it names one record.',
    ingested_at       DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC') COMMENT 'When the warehouse stored it.'
)
ENGINE = MergeTree
PARTITION BY toDate(occurred_at)
ORDER BY (toStartOfHour(occurred_at), toUInt128(event_id))
TTL toDateTime(occurred_at) + INTERVAL 30 DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'One row per accepted event, ever; kept 30 days by occurred_at.';
