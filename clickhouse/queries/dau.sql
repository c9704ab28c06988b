-- How many different users came, per day?
--
-- asks:  GET /stats/dau; analysts
-- cost:  the day partitions asked for of user_activity: a row a user and day
-- param first: Date  first day asked for
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends
-- param bots: Bool  whether what is marked as done by bots counts
SELECT {first:Date} + day_number AS date, uniqExact(user_id) AS users
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
GROUP BY day_number
ORDER BY date
