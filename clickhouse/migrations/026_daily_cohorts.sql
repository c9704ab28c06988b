-- Of those who came first on a day, how many were there again on each day after it?
-- Undo: DROP VIEW daily_cohorts.
CREATE VIEW IF NOT EXISTS daily_cohorts
(
    cohort       Date              COMMENT 'UTC day of the users'' first event; the last 30, today included.',
    size         UInt64            COMMENT 'How many users that are; exact; bots left out.',
    days_after   Int32             COMMENT '0 is the first day itself.',
    users        UInt64            COMMENT 'Those of them with an event on that day.',
    percent      Nullable(Float64) COMMENT 'The one of the other in percent.'
)
AS
SELECT
    toDate(came_at)                            AS cohort,
    any(newcomers)                             AS size,
    dateDiff('day', cohort, day)               AS days_after,
    count()                                    AS users,
    round(100 * users / size, 2)               AS percent
FROM
(
    SELECT day, user_id
    FROM user_activity
    WHERE day >= toDate(now('UTC')) - 29 AND NOT is_bot
    GROUP BY day, user_id
) AS active
INNER JOIN
(
    SELECT
        user_id,
        min(first_at)                                     AS came_at,
        count() OVER (PARTITION BY toDate(min(first_at))) AS newcomers
    FROM user_spans
    WHERE NOT is_bot
      AND user_id IN (SELECT user_id FROM user_activity WHERE day >= toDate(now('UTC')) - 29 AND NOT is_bot)
    GROUP BY user_id
    HAVING came_at >= toStartOfDay(now('UTC') - toIntervalDay(29))
) AS firsts USING (user_id)
GROUP BY cohort, day
COMMENT 'Daily cohorts of the last 30 days, exact; reads 30 partitions of user_activity and the spans of their users.'
