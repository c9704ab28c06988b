-- Who asks: the storage benches. The aggregate as the product keeps it: states by quarter hour and type.
CREATE TABLE events_by_quarter_hour
(
    bucket_at  DateTime('UTC')                   COMMENT 'Start of the quarter hour of event_time.',
    event_type LowCardinality(String)            COMMENT 'As in events.',
    users      AggregateFunction(uniq, Int32)    COMMENT 'Distinct user_id; read with uniqMerge.',
    points     AggregateFunction(sum, Float32)   COMMENT 'Sum of value; read with sumMerge.',
    actions    AggregateFunction(count)          COMMENT 'Number of events; read with countMerge.'
)
ENGINE = AggregatingMergeTree
ORDER BY (bucket_at, event_type)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'Activity by quarter hour and event type.'
