-- Feeds user_activity with the rows of ranges that the ETL redoes; as user_activity_mv.
-- Undo: DROP VIEW user_activity_redo_mv (what a crash tore is then not mended here; stop the ETL first).
CREATE MATERIALIZED VIEW IF NOT EXISTS user_activity_redo_mv TO user_activity
AS
SELECT
    toDate(occurred_at) AS day,
    is_bot,
    user_id,
    groupBitOr(bitShiftLeft(toUInt128(1), intDiv(toUnixTimestamp64Milli(occurred_at), 900000) % 96)) AS quarter_hours
FROM events_redo
GROUP BY
    day,
    is_bot,
    user_id
COMMENT 'Marks the quarter hours of redone ranges in user_activity.';
