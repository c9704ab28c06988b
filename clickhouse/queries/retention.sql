-- Of the users who came first in a period, how many were there in each period after it?
--
-- asks:  GET /stats/retention; analysts
-- cost:  the day partitions asked for of user_activity, and the first events of user_spans
-- param start: Date  the first day of the first period
-- param period_days: UInt8  1 for periods of a day, 7 for weeks
-- param windows: UInt8  so many periods after the first, for cohorts and for each cohort; at most 31
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param newcomers_since: Date  who was there before is no newcomer: start, or the oldest day that is still held
SELECT
    {start:Date} + cohort_number * {period_days:UInt8}                AS cohort,
    arrayJoin(bitPositionsToArray(periods)) - cohort_number             AS window,
    count()                                                             AS users
FROM
(
    SELECT
        groupBitOr(bitShiftLeft(toUInt64(1), intDiv(date - {start:Date}, {period_days:UInt8}))) AS periods,
        -- The lowest bit: the period of the first event, as nobody here was there before.
        bitCount(bitXor(periods, periods - 1)) - 1  AS cohort_number
    FROM user_activity
    INNER JOIN
    (
        -- Which quarter hours of a UTC day belong to which day of the zone.
        SELECT
            toDate(at)                                                                         AS day,
            toDate(at, {tz:String})                                                            AS date,
            groupBitOr(bitShiftLeft(toUInt128(1), intDiv(toUnixTimestamp(at), 900) % 96))      AS mask
        FROM
        (
            SELECT toDateTime(arrayJoin(range(
                toUnixTimestamp(toDateTime({start:Date}, {tz:String})),
                toUnixTimestamp(toDateTime({start:Date} + (2 * {windows:UInt8} + 1) * {period_days:UInt8} - 1 + 1, {tz:String})),
                900)), 'UTC') AS at
        )
        GROUP BY day, date
    ) AS parts USING (day)
    WHERE day >= toDate(toDateTime({start:Date}, {tz:String}), 'UTC')
      AND day <= toDate(toDateTime({start:Date} + (2 * {windows:UInt8} + 1) * {period_days:UInt8} - 1 + 1, {tz:String}), 'UTC')
      AND (NOT is_bot OR {bots:Bool})
      AND bitAnd(quarter_hours, mask) != 0
      AND user_id NOT IN (
          SELECT user_id
          FROM user_spans
          WHERE first_at < toDateTime({newcomers_since:Date}, {tz:String}) AND (NOT is_bot OR {bots:Bool})
      )
    GROUP BY user_id
)
WHERE cohort_number <= {windows:UInt8}
GROUP BY cohort, window
HAVING window <= {windows:UInt8}
ORDER BY cohort, window
