-- What is done most often, of a kind?
--
-- asks:  GET /stats/top-events with a segment
-- cost:  the days asked for of events_raw, at most 30
-- param edges: Array(UInt32)  the seconds since 1970 at which the first day begins and the last one ends
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
-- param limit: UInt16  so many event types at most
SELECT event_type, count() AS count
FROM events_raw
WHERE occurred_at >= toDateTime64({edges:Array(UInt32)}[1], 3, 'UTC')
  AND occurred_at < toDateTime64({edges:Array(UInt32)}[-1], 3, 'UTC')
  AND (NOT is_bot OR {bots:Bool})
  AND {segment:Condition}
GROUP BY event_type
ORDER BY count DESC, event_type
LIMIT {limit:UInt16}
