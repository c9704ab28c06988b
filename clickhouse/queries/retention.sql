-- Of the users who came first in a period, how many were there in each period after it?
--
-- asks:  GET /stats/retention; analysts
-- cost:  the day partitions asked for of user_activity, and the first events of user_spans
-- param first: Date  the first day of the first period
-- param period_days: UInt8  1 for periods of a day, 7 for weeks
-- param windows: UInt8  so many periods after the first, for cohorts and for each cohort; at most 31
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends: whole periods
-- param bots: Bool  whether what is marked as done by bots counts
-- param newcomers_since: DateTime('UTC')  who was there before is no newcomer
SELECT
    {first:Date} + cohort_number * {period_days:UInt8}         AS cohort,
    arrayJoin(bitPositionsToArray(periods)) - cohort_number  AS window,
    count()                                                  AS users
FROM
(
    SELECT
        groupBitOr(bitShiftLeft(toUInt64(1), intDiv(day_number, {period_days:UInt8}))) AS periods,
        -- The lowest bit: the period of the first event, as nobody here was there before.
        bitCount(bitXor(periods, periods - 1)) - 1 AS cohort_number
    FROM user_activity
    INNER JOIN
    (
        -- Which quarter hours of a UTC day belong to which of the days asked for, counted from 0.
        SELECT
            toDate(toDateTime(quarter_at, 'UTC'))                                        AS day,
            number                                                                       AS day_number,
            groupBitOr(bitShiftLeft(toUInt128(1), intDiv(quarter_at, 900) % 96))         AS mask
        FROM
        (
            SELECT
                number,
                arrayJoin(range({edges:Array(UInt32)}[number + 1], {edges:Array(UInt32)}[number + 2], 900)) AS quarter_at
            FROM numbers(length({edges:Array(UInt32)}) - 1)
        )
        GROUP BY day, day_number
    ) AS parts USING (day)
    WHERE day >= toDate(toDateTime({edges:Array(UInt32)}[1], 'UTC'))
      AND day <= toDate(toDateTime({edges:Array(UInt32)}[-1], 'UTC'))
      AND (NOT is_bot OR {bots:Bool})
      AND bitAnd(quarter_hours, mask) != 0
      AND user_id NOT IN (
          SELECT user_id
          FROM user_spans
          WHERE first_at < {newcomers_since:DateTime('UTC')} AND (NOT is_bot OR {bots:Bool})
      )
    GROUP BY user_id
)
WHERE cohort_number <= {windows:UInt8}
GROUP BY cohort, window
HAVING window <= {windows:UInt8}
ORDER BY cohort, window
