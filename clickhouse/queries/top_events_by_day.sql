-- What is done most often, on days that are UTC days?
--
-- asks:  GET /stats/top-events
-- cost:  a number a day and event type, from the projection by_day
-- param days: Array(Date)  the days asked for; a range would be turned into one of quarter hours, past the projection
-- param bots: Bool  whether what is marked as done by bots counts
-- param limit: UInt16  so many event types at most
SELECT event_type, countMerge(actions) AS count
FROM events_by_quarter_hour
WHERE toDate(bucket_at) IN {days:Array(Date)} AND (NOT is_bot OR {bots:Bool})
GROUP BY event_type
ORDER BY count DESC, event_type
LIMIT {limit:UInt16}
