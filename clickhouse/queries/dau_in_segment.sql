-- How many different users did something of a kind, per day?
--
-- asks:  GET /stats/dau with a segment; analysts
-- cost:  the days asked for of events_raw, at most 30
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
SELECT toDate(occurred_at, {tz:String}) AS date, uniqExact(user_id) AS users
FROM events_raw
WHERE occurred_at >= toDateTime({first:Date}, {tz:String})
  AND occurred_at < toDateTime({last:Date} + 1, {tz:String})
  AND (NOT is_bot OR {bots:Bool})
  AND {segment:Condition}
GROUP BY date
ORDER BY date WITH FILL FROM {first:Date} TO {last:Date} + 1
