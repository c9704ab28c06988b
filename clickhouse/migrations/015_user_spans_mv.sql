-- Feeds user_spans from every insert into events_raw.
-- Undo: DROP VIEW user_spans_mv (the table then stands still; raw goes on).
CREATE MATERIALIZED VIEW IF NOT EXISTS user_spans_mv TO user_spans
AS
SELECT
    user_id,
    is_bot,
    min(occurred_at) AS first_at,
    max(occurred_at) AS last_at
FROM events_raw
GROUP BY
    user_id,
    is_bot
COMMENT 'Widens the spans of the users of each insert into events_raw in user_spans.';
