-- What happened of a kind per day and event type: how many users, points and actions, exactly?
--
-- asks:  GET /stats/daily with a segment, or with exact=true
-- cost:  the days asked for of events_raw, at most 30
-- param first: Date  first day asked for
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
-- param limit: UInt32  so many rows at most
SELECT
    {first:Date} + intDiv(roundDown(toUnixTimestamp(occurred_at), {edges:Array(UInt32)}) - {edges:Array(UInt32)}[1] + 43200, 86400) AS date,
    event_type,
    uniqExact(user_hash) AS users,
    sum(value)           AS points,
    count()              AS actions
FROM events_raw
WHERE occurred_at >= toDateTime64({edges:Array(UInt32)}[1], 3, 'UTC')
  AND occurred_at < toDateTime64({edges:Array(UInt32)}[-1], 3, 'UTC')
  AND (NOT is_bot OR {bots:Bool})
  AND {segment:Condition}
GROUP BY date, event_type
ORDER BY date, event_type
LIMIT {limit:UInt32}
