-- Who asks: the check after every load. Any row lost, doubled or changed shows in one of these.
SELECT
    event_type,
    count(),
    sum(value),
    uniqExact(user_id),
    sum(toInt64(user_id)),
    sum(toUnixTimestamp64Milli(event_time) - toUnixTimestamp64Milli(toDateTime64('2026-01-01 00:00:00', 3, 'UTC')))
FROM events
GROUP BY event_type
