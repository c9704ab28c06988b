SELECT event_type, count() AS events
FROM events_raw
WHERE occurred_at >= toDateTime({first:Date}, 'UTC') AND occurred_at < toDateTime({last:Date} + 1, 'UTC') AND NOT is_bot
GROUP BY event_type
ORDER BY events DESC, event_type
LIMIT 10
