-- What is done most often?
--
-- asks:  GET /stats/top-events
-- cost:  three narrow columns of the day partitions asked for, of the quarter-hour aggregate
-- param edges: Array(UInt32)  where the first asked day begins, and where the last ends, in seconds since 1970
-- param bots: Bool  whether events of bots count
-- param limit: UInt16  so many event types at most
SELECT event_type, countMerge(actions) AS count
FROM events_by_quarter_hour
WHERE bucket_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
  AND bucket_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
  AND (NOT is_bot OR {bots:Bool})
GROUP BY event_type
ORDER BY count DESC, event_type
LIMIT {limit:UInt16}
