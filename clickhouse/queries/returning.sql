-- Which users of a day were there on one of the days before it too, and how many are they?
--
-- asks:  GET /stats/returning
-- cost:  the day partitions asked for of user_activity; the number and the page are of one reading
-- param day_from: Date  the UTC day in which the day begins; bit 1 stands for it, bit 0 for the days before it
-- param utc_first: Date  the UTC day in which the first of them begins
-- param utc_last: Date  the UTC day in which the last of them ends
-- param early_masks: Array(UInt128)  of each UTC day, which quarter hours belong to the earlier of the two it shares
-- param early_bits: Array(UInt64)  and which bit stands for that one
-- param late_masks: Array(UInt128)  which belong to the later
-- param late_bits: Array(UInt64)  and its bit
-- param whole_days: Bool  whether each UTC day belongs to one alone, so that nobody's quarter hours need be read
-- param bots: Bool  whether what is marked as done by bots counts
-- param after: String  list users after this id, as base64; empty for the first page
-- param users_max: UInt32  list so many at most
SELECT
    count() AS count,
    arraySlice(arraySort(groupArrayIf(user_id, user_id > base64Decode({after:String}))), 1, {users_max:UInt32}) AS users
FROM
(
    WITH day - {utc_first:Date} + 1 AS n
    SELECT DISTINCT user_id
    FROM user_activity
    WHERE day BETWEEN {utc_first:Date} AND {utc_last:Date} AND (NOT is_bot OR {bots:Bool})
      AND day >= {day_from:Date}
      AND bitTest(if({whole_days:Bool}, {early_bits:Array(UInt64)}[n], bitOr(
          if(bitAnd(quarter_hours, {early_masks:Array(UInt128)}[n]) != 0, {early_bits:Array(UInt64)}[n], 0),
          if(bitAnd(quarter_hours, {late_masks:Array(UInt128)}[n]) != 0, {late_bits:Array(UInt64)}[n], 0))), 1)
      AND user_hash IN (
          WITH day - {utc_first:Date} + 1 AS n
          SELECT user_hash
          FROM user_activity
          WHERE day BETWEEN {utc_first:Date} AND {utc_last:Date} AND (NOT is_bot OR {bots:Bool})
            AND bitTest(if({whole_days:Bool}, {early_bits:Array(UInt64)}[n], bitOr(
                if(bitAnd(quarter_hours, {early_masks:Array(UInt128)}[n]) != 0, {early_bits:Array(UInt64)}[n], 0),
                if(bitAnd(quarter_hours, {late_masks:Array(UInt128)}[n]) != 0, {late_bits:Array(UInt64)}[n], 0))), 0)
      )
)
