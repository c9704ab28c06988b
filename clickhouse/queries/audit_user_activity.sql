-- Does user_activity know each user of a day, in the quarter hours that events_raw tells, and nobody else?
--
-- asks:  `ugc audit`, `ugc rollup rebuild`
-- cost:  one day of events_raw, three columns; one day of user_activity
-- param day: Date  the day, UTC
SELECT
    countIf(raw_quarters != 0)           AS in_raw,
    countIf(held_quarters != 0)          AS in_table,
    countIf(raw_quarters != held_quarters) AS wrong,
    anyIf(user_id, raw_quarters != held_quarters) AS example
FROM
(
    SELECT
        is_bot,
        user_id,
        groupBitOr(if(of_raw, quarters, 0)) AS raw_quarters,
        groupBitOr(if(of_raw, 0, quarters)) AS held_quarters
    FROM
    (
        SELECT
            true AS of_raw,
            is_bot,
            user_id,
            groupBitOr(bitShiftLeft(toUInt128(1), intDiv(toUnixTimestamp64Milli(occurred_at), 900000) % 96)) AS quarters
        FROM events_raw
        WHERE toDate(occurred_at) = {day:Date}
        GROUP BY is_bot, user_id
        UNION ALL
        SELECT
            false AS of_raw,
            is_bot,
            user_id,
            groupBitOr(quarter_hours) AS quarters
        FROM user_activity
        WHERE day = {day:Date}
        GROUP BY is_bot, user_id
    )
    GROUP BY is_bot, user_id
)
