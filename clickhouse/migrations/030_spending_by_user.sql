-- How much does each user spend?
-- Undo: DROP VIEW spending_by_user.
CREATE VIEW IF NOT EXISTS spending_by_user
(
    day       Date    COMMENT 'UTC day; the 30 that events_raw holds.',
    user_id   String  COMMENT 'As in events_raw.',
    purchases UInt64  COMMENT 'Number of purchase events; bots left out.',
    products  UInt64  COMMENT 'Different properties.product_id among them.',
    spent     Float64 COMMENT 'Sum of their value.'
)
AS
SELECT
    toDate(occurred_at)                                    AS day,
    user_id,
    count()                                                AS purchases,
    uniqExact(JSONExtractString(properties, 'product_id')) AS products,
    sum(value)                                             AS spent
FROM events_raw
WHERE event_type = 'purchase' AND NOT is_bot
GROUP BY day, user_id
COMMENT 'Purchases by day and user; a day reads its own partition of events_raw.'
