-- How many different users came, per day?
--
-- asks:  GET /stats/dau; analysts
-- cost:  reads only the day partitions asked for, of the quarter-hour aggregate: a few thousand rows a day
-- param first: Date  first day asked for, UTC
-- param last:  Date  last day asked for, UTC, included
SELECT
    toDate(bucket_at)  AS date,
    uniqMerge(users)   AS users
FROM events_by_quarter_hour
WHERE bucket_at >= toDateTime({first:Date}, 'UTC')
  AND bucket_at < toDateTime({last:Date} + 1, 'UTC')
  AND NOT is_bot
GROUP BY date
ORDER BY date WITH FILL FROM {first:Date} TO {last:Date} + 1
