-- Of the users who did something of a kind first in a period, how many did it in each period after it?
--
-- asks:  GET /stats/retention with a segment
-- cost:  events_raw up to the end of the range, as a first event may lie anywhere before it
-- param first: Date  the first day of the first period
-- param period_days: UInt8  1 for periods of a day, 7 for weeks
-- param windows: UInt8  so many periods after the first, for cohorts and for each cohort; at most 31
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends: whole periods
-- param bots: Bool  whether what is marked as done by bots counts
-- param newcomers_since: DateTime64(3, 'UTC')  who was there before is no newcomer
-- param segment: Condition  what else an event must fit
SELECT
    {first:Date} + cohort_number * {period_days:UInt8}         AS cohort,
    arrayJoin(bitPositionsToArray(periods)) - cohort_number  AS window,
    count()                                                  AS users
FROM
(
    SELECT
        groupBitOr(bitShiftLeft(toUInt64(1), intDiv(date - {first:Date}, {period_days:UInt8}))) AS periods,
        -- The lowest bit: the period of the first event, as nobody here was there before.
        bitCount(bitXor(periods, periods - 1)) - 1 AS cohort_number
    FROM
    (
        SELECT
            user_hash,
            {first:Date} + intDiv(roundDown(toUnixTimestamp(occurred_at), {edges:Array(UInt32)}) - {edges:Array(UInt32)}[1] + 43200, 86400) AS date,
            min(occurred_at) AS first_at
        FROM events_raw
        WHERE occurred_at < toDateTime64({edges:Array(UInt32)}[-1], 3, 'UTC')
          AND (NOT is_bot OR {bots:Bool})
          AND {segment:Condition}
        GROUP BY user_hash, date
    )
    GROUP BY user_hash
    HAVING min(first_at) >= {newcomers_since:DateTime64(3, 'UTC')}
)
WHERE cohort_number <= {windows:UInt8}
GROUP BY cohort, window
HAVING window <= {windows:UInt8}
ORDER BY cohort, window
