SELECT toDate(occurred_at) AS date, uniqExact(user_id)
FROM events_raw
WHERE occurred_at >= toDateTime({first:Date}, 'UTC') AND occurred_at < toDateTime({last:Date} + 1, 'UTC') AND NOT is_bot
GROUP BY date
ORDER BY date
