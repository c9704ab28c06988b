-- Does each cell of a day of the aggregate say what events_raw says?
--
-- asks:  `ugc audit`, `ugc rollup rebuild`
-- cost:  one day of events_raw, seven narrow columns and user_id; one day of the aggregate
--
-- Sums of floating point numbers depend on their order in the last digits, so they may differ by those. Two
-- values near the largest there is add up to infinity, and infinities cannot be told from each other.
-- param day: Date  the day, UTC
SELECT
    sum(raw_actions)          AS in_raw,
    sum(held_actions)         AS in_table,
    countIf(differs)          AS wrong,
    anyIf(cell, differs)      AS example,
    sumIf(held_actions - raw_actions, held_actions > raw_actions) AS in_table_alone
FROM
(
    SELECT
        concat(toString(bucket_at), ' ', event_type)                     AS cell,
        sumIf(actions, of_raw)                                           AS raw_actions,
        sumIf(actions, NOT of_raw)                                       AS held_actions,
        raw_actions != held_actions
            OR sumIf(users, of_raw) != sumIf(users, NOT of_raw)
            OR maxIf(offset_max, of_raw) != maxIf(offset_max, NOT of_raw)
            OR maxIf(received_max, of_raw) != maxIf(received_max, NOT of_raw)
            OR (isFinite(sum(scale))
                AND NOT abs(sumIf(points, of_raw) - sumIf(points, NOT of_raw)) <= 1e-9 * sum(scale)) AS differs
    FROM
    (
        SELECT
            true                                 AS of_raw,
            toStartOfFifteenMinutes(occurred_at) AS bucket_at,
            event_type,
            is_bot,
            kafka_topic_id,
            kafka_partition,
            uniq(user_id)                        AS users,
            sum(value)                           AS points,
            sum(abs(value))                      AS scale,
            count()                              AS actions,
            max(kafka_offset)                    AS offset_max,
            max(received_at)                     AS received_max
        FROM events_raw
        WHERE toDate(occurred_at) = {day:Date}
        GROUP BY bucket_at, event_type, is_bot, kafka_topic_id, kafka_partition
        UNION ALL
        SELECT
            false                                AS of_raw,
            bucket_at,
            event_type,
            is_bot,
            kafka_topic_id,
            kafka_partition,
            uniqMerge(users)                     AS users,
            sumMerge(points)                     AS points,
            0                                    AS scale,
            countMerge(actions)                  AS actions,
            max(kafka_offset_max)                AS offset_max,
            max(received_at_max)                 AS received_max
        FROM events_by_quarter_hour
        WHERE toDate(bucket_at) = {day:Date}
        GROUP BY bucket_at, event_type, is_bot, kafka_topic_id, kafka_partition
    )
    GROUP BY bucket_at, event_type, is_bot, kafka_topic_id, kafka_partition
)
