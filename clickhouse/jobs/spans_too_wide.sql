-- The right spans of users whose spans begin or end in a day at a time when events_raw has no event of theirs.
--
-- asks:  `ugc rollup rebuild`, after the day was told to user_spans again, so that no span is too narrow
-- cost:  one day of events_raw and user_spans whole; for the users found, events_raw and user_activity whole
--
-- An end that lies on another day stays: it may be of long before what anything else holds. Of days that events_raw
-- holds no more, user_activity knows the quarter hour.
-- Somebody who has no event at all gets a span of 1970.
-- param day: Date  the day, UTC
-- param kept_days: UInt16  for how many days events_raw keeps a row
-- param into: Identifier  a table of the columns named here
INSERT INTO {into:Identifier} (user_id, is_bot, first_at, last_at, wide)
WITH wide AS
(
    SELECT
        user_id,
        is_bot,
        minIf(first_seen, NOT of_raw) AS held_first,
        maxIf(last_seen, NOT of_raw)  AS held_last
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
        HAVING toDate(first_seen) = {day:Date} OR toDate(last_seen) = {day:Date}
    )
    GROUP BY user_id, is_bot
    HAVING countIf(NOT of_raw) > 0
       AND ((toDate(minIf(first_seen, NOT of_raw)) = {day:Date}
                AND (countIf(of_raw) = 0 OR minIf(first_seen, NOT of_raw) < minIf(first_seen, of_raw)))
            OR (toDate(maxIf(last_seen, NOT of_raw)) = {day:Date}
                AND (countIf(of_raw) = 0 OR maxIf(last_seen, NOT of_raw) > maxIf(last_seen, of_raw))))
)
SELECT
    user_id,
    is_bot,
    minIf(first_seen, known) AS first_at,
    maxIf(last_seen, known)  AS last_at,
    true                     AS wide
FROM
(
    SELECT true AS known, user_id, is_bot, occurred_at AS first_seen, occurred_at AS last_seen
    FROM events_raw
    WHERE (user_id, is_bot) IN (SELECT user_id, is_bot FROM wide)
    UNION ALL
    SELECT
        true AS known,
        user_id,
        is_bot,
        toDateTime64(day, 3, 'UTC') + toIntervalMinute(15 * arrayMin(active)) AS first_seen,
        toDateTime64(day, 3, 'UTC') + toIntervalMinute(15 * arrayMax(active)) AS last_seen
    FROM
    (
        SELECT
            day,
            user_id,
            is_bot,
            arrayFilter(n -> bitAnd(bitShiftRight(quarter_hours, n), 1) = 1, range(96)) AS active
        FROM user_activity
        WHERE (user_id, is_bot) IN (SELECT user_id, is_bot FROM wide)
          AND day <= toDate(now('UTC') - toIntervalDay({kept_days:UInt16}))
    )
    UNION ALL
    SELECT true AS known, user_id, is_bot, held_end AS first_seen, held_end AS last_seen
    FROM wide
    ARRAY JOIN [held_first, held_last] AS held_end
    WHERE toDate(held_end) != {day:Date}
    UNION ALL
    SELECT false AS known, user_id, is_bot, toDateTime64(0, 3, 'UTC') AS first_seen, toDateTime64(0, 3, 'UTC') AS last_seen
    FROM wide
)
GROUP BY user_id, is_bot
