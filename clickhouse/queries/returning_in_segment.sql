-- Which users did something of a kind on a day and on one of the days before it, and how many are they?
--
-- asks:  GET /stats/returning with a segment; analysts
-- cost:  the days asked for of events_raw
-- param day: Date  the day
-- param days: UInt16  so many days before it
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
-- param after: String  list users after this id, as base64; empty for the first page
-- param users_max: UInt32  list so many at most
SELECT
    count() AS count,
    arraySlice(arraySort(groupArrayIf(user_id, user_id > base64Decode({after:String}))), 1, {users_max:UInt32}) AS users
FROM
(
    SELECT user_id
    FROM events_raw
    WHERE occurred_at >= toDateTime({day:Date} - {days:UInt16}, {tz:String})
      AND occurred_at < toDateTime({day:Date} + 1, {tz:String})
      AND (NOT is_bot OR {bots:Bool})
      AND {segment:Condition}
    GROUP BY user_id
    HAVING min(occurred_at) < toDateTime({day:Date}, {tz:String})
       AND max(occurred_at) >= toDateTime({day:Date}, {tz:String})
)
