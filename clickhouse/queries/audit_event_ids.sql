-- Is the id of each row of a day remembered, with the record that brought it?
--
-- asks:  `ugc audit`, `ugc rollup rebuild`
-- cost:  the id and the origin of one day of events_raw, and of the days of event_ids on which its rows were received;
--        joined in pieces, on disk where memory is short
-- param day: Date  the day, UTC
SELECT
    (SELECT count() FROM events_raw WHERE toDate(occurred_at) = {day:Date}) AS in_raw,
    in_raw - count()                                                        AS in_table,
    count()                                                                 AS wrong,
    any(toString(event_id))                                                 AS example
FROM
(
    SELECT toUInt128(event_id) AS id, event_id, kafka_partition, kafka_offset
    FROM events_raw
    WHERE toDate(occurred_at) = {day:Date}
) AS due
LEFT ANTI JOIN
(
    SELECT id, kafka_partition, kafka_offset
    FROM event_ids
    WHERE toDate(received_at) IN
    (
        SELECT toDate(received_at) FROM events_raw WHERE toDate(occurred_at) = {day:Date}
    )
) AS held USING (id, kafka_partition, kafka_offset)
SETTINGS join_algorithm = 'grace_hash', max_bytes_in_join = 268435456
