-- What happened of a kind per day and event type: how many users, points and actions, exactly?
--
-- asks:  GET /stats/daily with a segment, or with exact=true; analysts
-- cost:  the days asked for of events_raw, at most 30
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
-- param limit: UInt32  so many rows at most
SELECT
    toDate(occurred_at, {tz:String})  AS date,
    event_type,
    uniqExact(user_id)                AS users,
    sum(value)                        AS points,
    count()                           AS actions
FROM events_raw
WHERE occurred_at >= toDateTime({first:Date}, {tz:String})
  AND occurred_at < toDateTime({last:Date} + 1, {tz:String})
  AND (NOT is_bot OR {bots:Bool})
  AND {segment:Condition}
GROUP BY date, event_type
ORDER BY date, event_type
LIMIT {limit:UInt32}
