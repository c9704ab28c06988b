-- Of the users who did something of a kind first in a period, how many did it in each period after it?
--
-- asks:  GET /stats/retention with a segment; analysts
-- cost:  events_raw up to the end of the range, as a first event may lie anywhere before it
-- param start: Date  the first day of the first period
-- param period_days: UInt8  1 for periods of a day, 7 for weeks
-- param windows: UInt8  so many periods after the first, for cohorts and for each cohort; at most 31
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param newcomers_since: Date  who was there before is no newcomer: start, or the oldest day that is still held
-- param segment: Condition  what else an event must fit
SELECT
    {start:Date} + cohort_number * {period_days:UInt8}                AS cohort,
    arrayJoin(bitPositionsToArray(periods)) - cohort_number             AS window,
    count()                                                             AS users
FROM
(
    SELECT
        groupBitOr(bitShiftLeft(toUInt64(1), intDiv(date - {start:Date}, {period_days:UInt8}))) AS periods,
        bitCount(bitXor(periods, periods - 1)) - 1 AS cohort_number
    FROM
    (
        SELECT user_id, toDate(occurred_at, {tz:String}) AS date
        FROM events_raw
        WHERE occurred_at < toDateTime({start:Date} + (2 * {windows:UInt8} + 1) * {period_days:UInt8} - 1 + 1, {tz:String})
          AND (NOT is_bot OR {bots:Bool})
          AND {segment:Condition}
        GROUP BY user_id, date
    )
    GROUP BY user_id
    HAVING min(date) >= {newcomers_since:Date}
)
WHERE cohort_number <= {windows:UInt8}
GROUP BY cohort, window
HAVING window <= {windows:UInt8}
ORDER BY cohort, window
