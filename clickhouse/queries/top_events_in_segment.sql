-- What is done most often, of a kind?
--
-- asks:  GET /stats/top-events with a segment; analysts
-- cost:  the days asked for of events_raw, at most 30
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
-- param limit: UInt16  so many event types at most
SELECT event_type, count() AS count
FROM events_raw
WHERE occurred_at >= toDateTime({first:Date}, {tz:String})
  AND occurred_at < toDateTime({last:Date} + 1, {tz:String})
  AND (NOT is_bot OR {bots:Bool})
  AND {segment:Condition}
GROUP BY event_type
ORDER BY count DESC, event_type
LIMIT {limit:UInt16}
