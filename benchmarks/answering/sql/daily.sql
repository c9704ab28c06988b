SELECT toDate(occurred_at) AS date, event_type, uniq(user_id), sum(value), count()
FROM events_raw
WHERE occurred_at >= toDateTime({first:Date}, 'UTC') AND occurred_at < toDateTime({last:Date} + 1, 'UTC') AND NOT is_bot
GROUP BY date, event_type
ORDER BY date, event_type
