-- How many different users came, per day?
--
-- asks:  GET /stats/dau; analysts
-- cost:  the day partitions asked for of user_activity: a row a user and day
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
SELECT date, uniqExact(user_id) AS users
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
            toUnixTimestamp(toDateTime({last:Date} + 1, {tz:String})),
            900)), 'UTC') AS at
    )
    GROUP BY day, date
) AS parts USING (day)
WHERE day >= toDate(toDateTime({first:Date}, {tz:String}), 'UTC')
  AND day <= toDate(toDateTime({last:Date} + 1, {tz:String}), 'UTC')
  AND (NOT is_bot OR {bots:Bool})
  AND bitAnd(quarter_hours, mask) != 0
GROUP BY date
ORDER BY date WITH FILL FROM {first:Date} TO {last:Date} + 1
