-- Which users of a day were there on one of the days before it too, and how many are they?
--
-- asks:  GET /stats/returning; analysts
-- cost:  the day partitions asked for of user_activity; the number and the page are of one reading
-- param edges: Array(UInt32)  three instants, in seconds since 1970: where the days before begin, the day, the day after
-- param bots: Bool  whether what is marked as done by bots counts
-- param after: String  list users after this id, as base64; empty for the first page
-- param users_max: UInt32  list so many at most
SELECT
    count() AS count,
    arraySlice(arraySort(groupArrayIf(user_id, user_id > base64Decode({after:String}))), 1, {users_max:UInt32}) AS users
FROM
(
    SELECT user_id
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
    HAVING min(day_number) = 0 AND max(day_number) = 1
)
