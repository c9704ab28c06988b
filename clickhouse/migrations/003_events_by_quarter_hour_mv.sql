-- Feeds events_by_quarter_hour from every insert into events_raw.
-- Undo: DROP VIEW events_by_quarter_hour_mv (the aggregate then stands still; raw goes on).
CREATE MATERIALIZED VIEW IF NOT EXISTS events_by_quarter_hour_mv TO events_by_quarter_hour
AS
SELECT
    toStartOfFifteenMinutes(occurred_at) AS bucket_at,
    event_type,
    is_bot,
    kafka_topic_id,
    kafka_partition,
    uniqState(user_id)                   AS users,
    sumState(value)                      AS points,
    countState()                         AS actions,
    max(kafka_offset)                    AS kafka_offset_max,
    max(received_at)                     AS received_at_max,
    max(ingested_at)                     AS ingested_at_max
FROM events_raw
GROUP BY
    bucket_at,
    event_type,
    is_bot,
    kafka_topic_id,
    kafka_partition
COMMENT 'Counts each insert into events_raw into events_by_quarter_hour.';
