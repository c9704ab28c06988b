-- Is the id of each row of a day remembered, with the record that brought it?
--
-- asks:  `ugc audit`, `ugc rollup rebuild`
-- cost:  the id and the origin of one day of events_raw, and of the days of event_ids on which its rows were received;
--        joined in pieces, on disk where memory is short
-- param day: Date  the day, UTC
SELECT
    count()                                   AS in_raw,
    countIf(there)                            AS in_table,
    countIf(NOT there)                        AS wrong,
    anyIf(toString(event_id), NOT there)      AS example
FROM
(
    SELECT
        raw.event_id AS event_id,
        max(ids.kafka_topic_id = raw.kafka_topic_id
            AND ids.kafka_partition = raw.kafka_partition
            AND ids.kafka_offset = raw.kafka_offset) AS there
    FROM
    (
        SELECT toUInt128(event_id) AS id, event_id, kafka_topic_id, kafka_partition, kafka_offset
        FROM events_raw
        WHERE toDate(occurred_at) = {day:Date}
    ) AS raw
    LEFT JOIN
    (
        SELECT id, kafka_topic_id, kafka_partition, kafka_offset
        FROM event_ids
        WHERE toDate(received_at) IN
        (
            SELECT toDate(received_at) FROM events_raw WHERE toDate(occurred_at) = {day:Date}
        )
    ) AS ids ON raw.id = ids.id
    GROUP BY event_id, raw.kafka_topic_id, raw.kafka_partition, raw.kafka_offset
)
SETTINGS join_algorithm = 'grace_hash', max_bytes_in_join = 268435456, max_bytes_before_external_group_by = 268435456
