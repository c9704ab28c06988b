-- What every activity question reads instead of events_raw: states by quarter hour, the largest bucket
-- from which a day of any time zone can be put together.
-- Undo: DROP TABLE events_by_quarter_hour (rebuild from events_raw for the days it still holds whole).
--
-- The Kafka partition is in the key, and kafka_offset_max beside it, so that the table itself can say how
-- far into each partition it counts: that is what a torn insert is mended by.
-- The same deduplication window as events_raw: with a window on one side only, a retried insert is counted
-- twice on the other.
CREATE TABLE IF NOT EXISTS events_by_quarter_hour
(
    bucket_at        DateTime('UTC')                        COMMENT 'Start of the quarter hour of occurred_at.',
    event_type       LowCardinality(String)                 COMMENT 'As in events_raw.',
    is_bot           Bool                                   COMMENT 'As in events_raw; bots are left out of answers unless asked for.',
    kafka_topic_id   LowCardinality(String)                 COMMENT 'As in events_raw.',
    kafka_partition  UInt32                                 COMMENT 'As in events_raw.',
    users            AggregateFunction(uniq, String)        COMMENT 'Distinct user_id; read with uniqMerge.',
    points           AggregateFunction(sum, Float64)        COMMENT 'Sum of value; read with sumMerge.',
    actions          AggregateFunction(count)               COMMENT 'Number of events; read with countMerge.',
    kafka_offset_max SimpleAggregateFunction(max, UInt64)   COMMENT 'Highest offset counted here; read with max.',
    received_at_max  SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Latest received_at counted here; read with max.',
    ingested_at_max  SimpleAggregateFunction(max, DateTime64(3, 'UTC')) COMMENT 'Latest ingested_at counted here; read with max.'
)
ENGINE = AggregatingMergeTree
PARTITION BY toDate(bucket_at)
ORDER BY (bucket_at, event_type, is_bot, kafka_topic_id, kafka_partition)
TTL bucket_at + INTERVAL 180 DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Activity by quarter hour (UTC), event type and bot mark; kept 180 days.';
