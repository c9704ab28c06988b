-- Of the users of a day, how many came back within the seven days after it?
--
-- asks:  GET /stats/retention-7d; analysts
-- cost:  the day partitions asked for of user_activity, and seven days more
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included; at most 57 days, as the days of a user are bits of one number
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
SELECT
    {first:Date} + day_number                                         AS date,
    count()                                                           AS total_users_day_0,
    countIf(bitAnd(bitShiftRight(days, day_number + 1), 127) != 0)    AS returned_in_7_days
FROM
(
    SELECT groupBitOr(bitShiftLeft(toUInt64(1), date - {first:Date})) AS days
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
                toUnixTimestamp(toDateTime({first:Date}, {tz:String})),
                toUnixTimestamp(toDateTime({last:Date} + 7 + 1, {tz:String})),
                900)), 'UTC') AS at
        )
        GROUP BY day, date
    ) AS parts USING (day)
    WHERE day >= toDate(toDateTime({first:Date}, {tz:String}), 'UTC')
      AND day <= toDate(toDateTime({last:Date} + 7 + 1, {tz:String}), 'UTC')
      AND (NOT is_bot OR {bots:Bool})
      AND bitAnd(quarter_hours, mask) != 0
    GROUP BY user_id
)
ARRAY JOIN bitPositionsToArray(days) AS day_number
WHERE day_number <= {last:Date} - {first:Date}
GROUP BY day_number
ORDER BY date WITH FILL FROM {first:Date} TO {last:Date} + 1
