-- Remember the ids of a day's rows that event_ids lacks.
--
-- asks:  `ugc rollup rebuild`, when the audit misses some
-- cost:  as audit_event_ids
-- param day: Date  the day, UTC
INSERT INTO event_ids (id, kafka_topic_id, kafka_partition, kafka_offset, received_at)
SELECT id, kafka_topic_id, kafka_partition, kafka_offset, received_at
FROM
(
    SELECT
        toUInt128(event_id)            AS id,
        kafka_topic_id,
        kafka_partition,
        kafka_offset,
        toDateTime(events_raw.received_at, 'UTC') AS received_at
    FROM events_raw
    WHERE toDate(occurred_at) = {day:Date}
) AS due
LEFT ANTI JOIN
(
    SELECT id, kafka_topic_id, kafka_partition, kafka_offset
    FROM event_ids
    WHERE toDate(received_at) IN
    (
        SELECT toDate(received_at) FROM events_raw WHERE toDate(occurred_at) = {day:Date}
    )
) AS held USING (id, kafka_topic_id, kafka_partition, kafka_offset)
SETTINGS join_algorithm = 'grace_hash', max_bytes_in_join = 268435456
