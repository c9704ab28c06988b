-- The spans that events_raw tells of from before user_spans was there.
-- Undo: nothing to undo; twice is harmless, as the least and the greatest stay what they are.
INSERT INTO user_spans (user_id, is_bot, first_at, last_at)
SELECT
    user_id,
    is_bot,
    min(occurred_at) AS first_at,
    max(occurred_at) AS last_at
FROM events_raw
GROUP BY
    user_id,
    is_bot
