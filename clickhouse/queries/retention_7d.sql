-- Of the users of a day, how many came back within the seven days after it?
--
-- asks:  GET /stats/retention-7d
-- cost:  the day partitions asked for of user_activity, and seven days more
-- param first: Date  first day asked for; bit n stands for the n-th day after it, and there are 64 at most
-- param asked: UInt8  so many days are asked for, 57 at most; seven more tell who came back
-- param utc_first: Date  the UTC day in which the first of them begins
-- param utc_last: Date  the UTC day in which the last of them ends
-- param early_masks: Array(UInt128)  of each UTC day, which quarter hours belong to the earlier of the two it shares
-- param early_bits: Array(UInt64)  and which bit stands for that one
-- param late_masks: Array(UInt128)  which belong to the later
-- param late_bits: Array(UInt64)  and its bit
-- param whole_days: Bool  whether each UTC day belongs to one alone, so that nobody's quarter hours need be read
-- param bots: Bool  whether what is marked as done by bots counts
SELECT
    {first:Date} + day_number                                         AS date,
    count()                                                           AS total_users_day_0,
    countIf(bitAnd(bitShiftRight(days, day_number + 1), 127) != 0)    AS returned_in_7_days
FROM
(
    WITH day - {utc_first:Date} + 1 AS n
    SELECT groupBitOr(if({whole_days:Bool}, {early_bits:Array(UInt64)}[n], bitOr(
        if(bitAnd(quarter_hours, {early_masks:Array(UInt128)}[n]) != 0, {early_bits:Array(UInt64)}[n], 0),
        if(bitAnd(quarter_hours, {late_masks:Array(UInt128)}[n]) != 0, {late_bits:Array(UInt64)}[n], 0)))) AS days
    FROM user_activity
    WHERE day BETWEEN {utc_first:Date} AND {utc_last:Date} AND (NOT is_bot OR {bots:Bool})
    GROUP BY user_hash
)
ARRAY JOIN bitPositionsToArray(days) AS day_number
WHERE day_number < {asked:UInt8}
GROUP BY day_number
ORDER BY date
