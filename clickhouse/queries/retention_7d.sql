-- Of the users of a day, how many came back within the seven days after it?
--
-- asks:  GET /stats/retention-7d; analysts
-- cost:  the day partitions asked for of user_activity, and seven days more
-- param first: Date  first day asked for
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends: the days asked for, 57 at most, and seven more
-- param bots: Bool  whether what is marked as done by bots counts
SELECT
    {first:Date} + day_number                                         AS date,
    count()                                                           AS total_users_day_0,
    countIf(bitAnd(bitShiftRight(days, day_number + 1), 127) != 0)    AS returned_in_7_days
FROM
(
    SELECT groupBitOr(bitShiftLeft(toUInt64(1), day_number)) AS days
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
    GROUP BY user_id
)
ARRAY JOIN bitPositionsToArray(days) AS day_number
WHERE day_number < length({edges:Array(UInt32)}) - 8
GROUP BY day_number
ORDER BY date
