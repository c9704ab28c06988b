-- What happened per day and event type: how many users, points and actions?
--
-- asks:  GET /stats/daily
-- cost:  the day partitions asked for, of the quarter-hour aggregate
-- param first: Date  first day asked for
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends
-- param bots: Bool  whether what is marked as done by bots counts
-- param limit: UInt32  so many rows at most
SELECT
    {first:Date} + intDiv(roundDown(toUnixTimestamp(bucket_at), {edges:Array(UInt32)}) - {edges:Array(UInt32)}[1] + 43200, 86400) AS date,
    event_type,
    uniqMerge(users)     AS users,
    sumMerge(points)     AS points,
    countMerge(actions)  AS actions
FROM events_by_quarter_hour
WHERE bucket_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
  AND bucket_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
  AND (NOT is_bot OR {bots:Bool})
GROUP BY date, event_type
ORDER BY date, event_type
LIMIT {limit:UInt32}
