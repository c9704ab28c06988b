-- The ids that events_raw holds from before event_ids was there.
-- Undo: nothing to undo; twice is harmless, as an id is only ever looked for.
INSERT INTO event_ids (id, kafka_topic_id, kafka_partition, kafka_offset, received_at)
SELECT
    toUInt128(event_id),
    kafka_topic_id,
    kafka_partition,
    kafka_offset,
    toDateTime(received_at, 'UTC')
FROM events_raw
