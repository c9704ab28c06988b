-- Do the spans of a day's users reach as far as events_raw says, and begin or end in that day only where it does?
--
-- asks:  `ugc audit`, `ugc rollup rebuild`
-- cost:  one day of events_raw, three columns; user_spans whole, as a span has no day
-- param day: Date  the day, UTC
SELECT
    countIf(in_day)          AS in_raw,
    countIf(in_day AND there) AS in_table,
    countIf(differs)         AS wrong,
    anyIf(user_id, differs)  AS example
FROM
(
    SELECT
        user_id,
        countIf(of_raw) > 0                AS in_day,
        countIf(NOT of_raw) > 0            AS there,
        minIf(first_seen, of_raw)          AS raw_first,
        maxIf(last_seen, of_raw)           AS raw_last,
        minIf(first_seen, NOT of_raw)      AS held_first,
        maxIf(last_seen, NOT of_raw)       AS held_last,
        (in_day AND (NOT there OR held_first > raw_first OR held_last < raw_last))
            OR (there AND toDate(held_first) = {day:Date} AND (NOT in_day OR held_first != raw_first))
            OR (there AND toDate(held_last) = {day:Date} AND (NOT in_day OR held_last != raw_last)) AS differs
    FROM
    (
        SELECT
            true             AS of_raw,
            user_id,
            is_bot,
            min(occurred_at) AS first_seen,
            max(occurred_at) AS last_seen
        FROM events_raw
        WHERE toDate(occurred_at) = {day:Date}
        GROUP BY user_id, is_bot
        UNION ALL
        SELECT
            false            AS of_raw,
            user_id,
            is_bot,
            min(first_at)    AS first_seen,
            max(last_at)     AS last_seen
        FROM user_spans
        GROUP BY user_id, is_bot
        HAVING toDate(first_seen) <= {day:Date} AND toDate(last_seen) >= {day:Date}
    )
    GROUP BY user_id, is_bot
)
SETTINGS max_bytes_before_external_group_by = 268435456
