-- How many different people came, per day?
-- Undo: DROP VIEW daily_users.
CREATE VIEW IF NOT EXISTS daily_users
(
    day   Date   COMMENT 'UTC day.',
    users UInt64 COMMENT 'Different users with an event on it; exact; bots left out.'
)
AS
SELECT
    day,
    uniqExact(user_id) AS users
FROM user_activity
WHERE NOT is_bot
GROUP BY day
COMMENT 'Daily active users, exact; a day reads its own partition of user_activity.'
