-- Of the users who came first in a period, how many were there in each period after it?
--
-- asks:  GET /stats/retention
-- cost:  the day partitions asked for of user_activity, and two narrow columns of user_spans: 16 bytes a user
-- param first: Date  the first day of the first period; bit n stands for the n-th period after it
-- param period_days: UInt8  1 for periods of a day, 7 for weeks
-- param windows: UInt8  so many periods after the first, for cohorts and for each cohort; at most 31
-- param utc_first: Date  the UTC day in which the first of them begins
-- param utc_last: Date  the UTC day in which the last of them ends
-- param early_masks: Array(UInt128)  of each UTC day, which quarter hours belong to the earlier of the two it shares
-- param early_bits: Array(UInt64)  and which bit stands for that one
-- param late_masks: Array(UInt128)  which belong to the later
-- param late_bits: Array(UInt64)  and its bit
-- param whole_days: Bool  whether each UTC day belongs to one alone, so that nobody's quarter hours need be read
-- param bots: Bool  whether what is marked as done by bots counts
-- param newcomers_since: DateTime64(3, 'UTC')  who was there before is no newcomer
SELECT
    {first:Date} + cohort_number * {period_days:UInt8}         AS cohort,
    arrayJoin(bitPositionsToArray(periods)) - cohort_number  AS window,
    count()                                                  AS users
FROM
(
    WITH day - {utc_first:Date} + 1 AS n
    SELECT
        groupBitOr(if({whole_days:Bool}, {early_bits:Array(UInt64)}[n], bitOr(
            if(bitAnd(quarter_hours, {early_masks:Array(UInt128)}[n]) != 0, {early_bits:Array(UInt64)}[n], 0),
            if(bitAnd(quarter_hours, {late_masks:Array(UInt128)}[n]) != 0, {late_bits:Array(UInt64)}[n], 0)))) AS periods,
        -- The lowest bit: the period of the first event, as nobody here was there before.
        bitCount(bitXor(periods, periods - 1)) - 1 AS cohort_number
    FROM user_activity
    WHERE day BETWEEN {utc_first:Date} AND {utc_last:Date} AND (NOT is_bot OR {bots:Bool})
      AND user_hash NOT IN (
          SELECT user_hash
          FROM user_spans
          WHERE first_at < {newcomers_since:DateTime64(3, 'UTC')} AND (NOT is_bot OR {bots:Bool})
      )
    GROUP BY user_hash
    HAVING periods != 0
)
WHERE cohort_number <= {windows:UInt8}
GROUP BY cohort, window
HAVING window <= {windows:UInt8}
ORDER BY cohort, window
