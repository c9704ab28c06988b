-- What happened per day and event type: how many users, points and actions?
--
-- asks:  GET /stats/daily; analysts
-- cost:  the day partitions asked for, of the quarter-hour aggregate
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param limit: UInt32  so many rows at most
SELECT
    toDate(bucket_at, {tz:String})  AS date,
    event_type,
    uniqMerge(users)                AS users,
    sumMerge(points)                AS points,
    countMerge(actions)             AS actions
FROM events_by_quarter_hour
WHERE bucket_at >= toDateTime({first:Date}, {tz:String})
  AND bucket_at < toDateTime({last:Date} + 1, {tz:String})
  AND (NOT is_bot OR {bots:Bool})
GROUP BY date, event_type
ORDER BY date, event_type
LIMIT {limit:UInt32}
