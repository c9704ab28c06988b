-- Which ids were brought by more than one record, so that they lie in events_raw twice, or did?
--
-- asks:  `ugc audit`
-- cost:  event_ids whole, in its order, so that memory stays small
SELECT
    count()              AS wrong,
    any(toString(id))    AS example
FROM
(
    SELECT id
    FROM event_ids
    WHERE id IN (SELECT id FROM event_ids GROUP BY id HAVING count() > 1)
    GROUP BY id
    HAVING min((kafka_topic_id, kafka_partition, kafka_offset)) != max((kafka_topic_id, kafka_partition, kafka_offset))
)
SETTINGS optimize_aggregation_in_order = 1
