-- What is done most often?
--
-- asks:  GET /stats/top-events; analysts
-- cost:  three narrow columns of the day partitions asked for, of the quarter-hour aggregate
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param limit: UInt16  so many event types at most
SELECT event_type, countMerge(actions) AS count
FROM events_by_quarter_hour
WHERE bucket_at >= toDateTime({first:Date}, {tz:String})
  AND bucket_at < toDateTime({last:Date} + 1, {tz:String})
  AND (NOT is_bot OR {bots:Bool})
GROUP BY event_type
ORDER BY count DESC, event_type
LIMIT {limit:UInt16}
