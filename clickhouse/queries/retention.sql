-- Of the users who came first in a period, how many were there in each of some periods?
--
-- asks:  GET /stats/retention
-- cost:  two narrow columns of user_spans, 16 bytes a user; of user_activity the day partitions of periods that changed
-- param cohorts: Array(UInt32)  the seconds since 1970 at which the period of each cohort begins, and the last one ends
-- param newcomers_since: DateTime64(3, 'UTC')  who was there before is no newcomer
-- param periods: UInt8  about so many periods is asked, 64 at most; bit n stands for the n-th
-- param utc_first: Date  the UTC day in which the first of them begins
-- param utc_last: Date  the UTC day in which the last of them ends
-- param early_masks: Array(UInt128)  of each UTC day, which quarter hours belong to the earlier of the two it shares
-- param early_bits: Array(UInt64)  and which bit stands for that one
-- param late_masks: Array(UInt128)  which belong to the later
-- param late_bits: Array(UInt64)  and its bit
-- param whole_days: Bool  whether each UTC day belongs to one alone, so that nobody's quarter hours need be read
-- param bots: Bool  whether what is marked as done by bots counts
SELECT
    roundDown(toUnixTimestamp(came_at), {cohorts:Array(UInt32)})            AS cohort_at,
    -- Who they are, in a few bytes: what was read of others is not true of them.
    (count(), groupBitXor(user_hash))                                       AS newcomers,
    sumForEach(arrayMap(n -> bitTest(there, n), range({periods:UInt8})))    AS users
FROM
(
    SELECT user_hash, min(first_at) AS came_at, groupBitOr(periods) AS there
    FROM
    (
        SELECT user_hash, first_at, toUInt64(0) AS periods
        FROM user_spans
        WHERE (NOT is_bot OR {bots:Bool})
        UNION ALL
        -- Who was there came at the end of all, as far as is known here: their span says when.
        WITH day - {utc_first:Date} + 1 AS n
        SELECT
            user_hash,
            toDateTime64({cohorts:Array(UInt32)}[-1], 3, 'UTC') AS first_at,
            if({whole_days:Bool}, {early_bits:Array(UInt64)}[n], bitOr(
                if(bitAnd(quarter_hours, {early_masks:Array(UInt128)}[n]) != 0, {early_bits:Array(UInt64)}[n], 0),
                if(bitAnd(quarter_hours, {late_masks:Array(UInt128)}[n]) != 0, {late_bits:Array(UInt64)}[n], 0))) AS periods
        FROM user_activity
        WHERE day BETWEEN {utc_first:Date} AND {utc_last:Date} AND (NOT is_bot OR {bots:Bool})
    )
    GROUP BY user_hash
    HAVING came_at >= {newcomers_since:DateTime64(3, 'UTC')}
       AND came_at < toDateTime64({cohorts:Array(UInt32)}[-1], 3, 'UTC')
)
GROUP BY cohort_at
