-- Which users did something of a kind on a day and on one of the days before it, and how many are they?
--
-- asks:  GET /stats/returning with a segment
-- cost:  the days asked for of events_raw
-- param edges: Array(UInt32)  three instants, in seconds since 1970: where the days before begin, the day, the day after
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
    WHERE occurred_at >= toDateTime64({edges:Array(UInt32)}[1], 3, 'UTC')
      AND occurred_at < toDateTime64({edges:Array(UInt32)}[-1], 3, 'UTC')
      AND (NOT is_bot OR {bots:Bool})
      AND {segment:Condition}
    GROUP BY user_id
    HAVING min(occurred_at) < toDateTime64({edges:Array(UInt32)}[2], 3, 'UTC') AND max(occurred_at) >= toDateTime64({edges:Array(UInt32)}[2], 3, 'UTC')
)
