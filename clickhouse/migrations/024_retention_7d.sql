-- Of those who were there on a day, how many came back within the seven days after it?
-- Undo: DROP VIEW retention_7d.
--
-- A user's days are bits of one number, so that one pass over the users answers for all days.
CREATE VIEW IF NOT EXISTS retention_7d
(
    day                  Date              COMMENT 'UTC day 0; the last 30, today included.',
    total_users_day_0    UInt64            COMMENT 'Different users with an event on it; exact; bots left out.',
    returned_in_7_days   UInt64            COMMENT 'Those of them with an event on one of the seven days after it, so far.',
    retention_7d_percent Nullable(Float64) COMMENT 'The one of the other in percent; no more than so far for the last seven days.'
)
AS
SELECT
    first_day + place                                                          AS day,
    count()                                                                    AS total_users_day_0,
    countIf(bitAnd(bitShiftRight(days, place + 1), 127) != 0)                  AS returned_in_7_days,
    round(100 * returned_in_7_days / total_users_day_0, 2)                     AS retention_7d_percent
FROM
(
    SELECT
        user_id,
        toDate(now('UTC')) - 29 AS first_day,
        groupBitOr(bitShiftLeft(toUInt64(1), day - first_day)) AS days
    FROM user_activity
    WHERE day >= toDate(now('UTC')) - 29 AND day <= toDate(now('UTC')) AND NOT is_bot
    GROUP BY user_id
)
ARRAY JOIN bitPositionsToArray(days) AS place
GROUP BY day
COMMENT 'Seven-day retention of the last 30 days, exact; reads 30 partitions of user_activity.'
