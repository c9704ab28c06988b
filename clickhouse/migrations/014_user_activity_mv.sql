-- Feeds user_activity from every insert into events_raw.
-- Undo: DROP VIEW user_activity_mv (the table then stands still; raw goes on).
CREATE MATERIALIZED VIEW IF NOT EXISTS user_activity_mv TO user_activity
AS
SELECT
    toDate(occurred_at) AS day,
    is_bot,
    user_id,
    groupBitOr(bitShiftLeft(toUInt128(1), intDiv(toUnixTimestamp64Milli(occurred_at), 900000) % 96)) AS quarter_hours
FROM events_raw
GROUP BY
    day,
    is_bot,
    user_id
COMMENT 'Marks the quarter hours of each insert into events_raw in user_activity.';
