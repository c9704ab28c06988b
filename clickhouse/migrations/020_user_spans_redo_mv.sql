-- Feeds user_spans with the rows of ranges that the ETL redoes; as user_spans_mv.
-- Undo: DROP VIEW user_spans_redo_mv (what a crash tore is then not mended here; stop the ETL first).
CREATE MATERIALIZED VIEW IF NOT EXISTS user_spans_redo_mv TO user_spans
AS
SELECT
    user_id,
    is_bot,
    min(occurred_at) AS first_at,
    max(occurred_at) AS last_at
FROM events_redo
GROUP BY
    user_id,
    is_bot
COMMENT 'Widens the spans of the users of redone ranges in user_spans.';
