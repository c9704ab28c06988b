-- Who asks: the check after every load. Any row lost, doubled or changed shows in one of these.
SELECT
    event_type,
    count(*),
    sum(value::DOUBLE),
    count(DISTINCT user_id),
    sum(user_id::BIGINT),
    sum(epoch_ms(event_time) - epoch_ms(TIMESTAMP '2026-01-01 00:00:00'))
FROM events
GROUP BY event_type
