-- Who asks: the check after every load. Any row lost, doubled or changed shows in one of these.
SELECT
    event_type,
    COUNT(*),
    SUM(value),
    COUNT(DISTINCT user_id),
    SUM(user_id),
    SUM(DATEDIFF('millisecond', TIMESTAMP '2026-01-01 00:00:00', event_time))
FROM events
GROUP BY event_type
