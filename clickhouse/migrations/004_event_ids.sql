-- Every id that was stored within the deduplication horizon, and the record that brought it first. Longer than
-- events_raw: what has left it by age may still lie in the log, and must not be counted again.
-- Undo: DROP TABLE event_ids (ids are then remembered no longer; stop the ETL first).
--
-- 45 days: 30 of events_raw, 7 of the topic, 7 for an event that came late, 1 of margin.
-- Days of received_at, which is the record's own: a range that is redone after midnight lands in the same parts.
-- Order: ids that tell their time (UUIDv7) lie together, so a range of them reads a granule or two of a part.
-- Small granules: an id that does not tell its time costs one of them in every part.
CREATE TABLE IF NOT EXISTS event_ids
(
    id              UInt128                CODEC(ZSTD(1)) COMMENT 'The event_id as a number, so that it sorts by its bytes.',
    kafka_topic_id  LowCardinality(String) CODEC(ZSTD(1)) COMMENT 'Topic of the record that brought it first.',
    kafka_partition UInt32                 CODEC(ZSTD(1)) COMMENT 'Partition of that record.',
    kafka_offset    UInt64                 CODEC(T64, ZSTD(1)) COMMENT 'Offset of that record.',
    received_at     DateTime('UTC')        CODEC(T64, ZSTD(1)) COMMENT 'When the collector took that record in.'
)
ENGINE = MergeTree
PARTITION BY toDate(received_at)
ORDER BY id
TTL received_at + INTERVAL 45 DAY
SETTINGS
    ttl_only_drop_parts = 1,
    index_granularity = 1024,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Ids stored within the deduplication horizon, 45 days by received_at.';
