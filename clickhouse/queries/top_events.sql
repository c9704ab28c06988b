-- What is done most often?
--
-- asks:  GET /stats/top-events
-- cost:  three narrow columns of the day partitions asked for, of the quarter-hour aggregate
-- param edges: Array(UInt32)  the seconds since 1970 at which the first day begins and the last one ends
-- param bots: Bool  whether what is marked as done by bots counts
-- param limit: UInt16  so many event types at most
SELECT event_type, countMerge(actions) AS count
FROM events_by_quarter_hour
WHERE bucket_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
  AND bucket_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
  AND (NOT is_bot OR {bots:Bool})
GROUP BY event_type
ORDER BY count DESC, event_type
LIMIT {limit:UInt16}
