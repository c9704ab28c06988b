-- How many different users did something of a kind, per day?
--
-- asks:  GET /stats/dau with a segment
-- cost:  the days asked for of events_raw, at most 30
-- param first: Date  first day asked for
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
SELECT
    {first:Date} + intDiv(roundDown(toUnixTimestamp(occurred_at), {edges:Array(UInt32)}) - {edges:Array(UInt32)}[1] + 43200, 86400) AS date,
    uniqExact(user_hash) AS users
FROM events_raw
WHERE occurred_at >= toDateTime64({edges:Array(UInt32)}[1], 3, 'UTC')
  AND occurred_at < toDateTime64({edges:Array(UInt32)}[-1], 3, 'UTC')
  AND (NOT is_bot OR {bots:Bool})
  AND {segment:Condition}
GROUP BY date
ORDER BY date
