-- Feeds event_ids from every insert into events_raw.
-- Undo: DROP VIEW event_ids_mv (new ids are then not remembered; stop the ETL first).
CREATE MATERIALIZED VIEW IF NOT EXISTS event_ids_mv TO event_ids
AS
SELECT
    toUInt128(event_id)     AS id,
    kafka_topic_id,
    kafka_partition,
    kafka_offset,
    toDateTime(received_at, 'UTC') AS received_at
FROM events_raw
COMMENT 'Remembers the id of each row inserted into events_raw.';
