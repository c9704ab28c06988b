-- What is done most often, of a kind?
--
-- asks:  GET /stats/top-events with a segment
-- cost:  the days asked for of events_raw, at most 30
-- param edges: Array(UInt32)  where the first asked day begins, and where the last ends, in seconds since 1970
-- param bots: Bool  whether events of bots count
-- param segment: Condition  what else an event must fit
-- param limit: UInt16  so many event types at most
SELECT event_type, count() AS count
FROM events_raw
WHERE occurred_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
  AND occurred_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
  AND (NOT is_bot OR {bots:Bool})
  AND {segment:Condition}
GROUP BY event_type
ORDER BY count DESC, event_type
LIMIT {limit:UInt16}
