-- Which users did something of a kind on a day and on one of the days before it, and how many are they?
--
-- asks:  GET /stats/returning with a segment
-- cost:  the days asked for of events_raw
-- param edges: Array(UInt32)  where the days before begin, the day, and the day after it, in seconds since 1970
-- param bots: Bool  whether events of bots count
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
    WHERE occurred_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
      AND occurred_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
      AND (NOT is_bot OR {bots:Bool})
      AND {segment:Condition}
    GROUP BY user_id
    HAVING min(occurred_at) < toDateTime({edges:Array(UInt32)}[2], 'UTC')
       AND max(occurred_at) >= toDateTime({edges:Array(UInt32)}[2], 'UTC')
)
