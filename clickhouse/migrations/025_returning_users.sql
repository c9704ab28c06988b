-- Of those who were there on a day, how many had been there within the seven days before it?
-- Undo: DROP VIEW returning_users.
CREATE VIEW IF NOT EXISTS returning_users
(
    day             Date              COMMENT 'UTC day; the last 30, today included.',
    users           UInt64            COMMENT 'Different users with an event on it; exact; bots left out.',
    returning_users UInt64            COMMENT 'Those of them with an event on one of the seven days before it.',
    percent         Nullable(Float64) COMMENT 'The one of the other in percent.'
)
AS
SELECT
    first_day + place                                                   AS day,
    count()                                                             AS users,
    countIf(bitAnd(bitShiftRight(days, place - 7), 127) != 0)           AS returning_users,
    round(100 * returning_users / users, 2)                             AS percent
FROM
(
    SELECT
        user_id,
        toDate(now('UTC')) - 36 AS first_day,
        groupBitOr(bitShiftLeft(toUInt64(1), day - first_day)) AS days
    FROM user_activity
    WHERE day >= toDate(now('UTC')) - 36 AND day <= toDate(now('UTC')) AND NOT is_bot
    GROUP BY user_id
)
ARRAY JOIN arrayFilter(bit -> bit >= 7, bitPositionsToArray(days)) AS place
GROUP BY day
COMMENT 'Users of the last 30 days who had been there in the week before, exact; reads 37 partitions of user_activity.'
