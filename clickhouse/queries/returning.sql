-- Which users of a day were there on one of the days before it too, and how many are they?
--
-- asks:  GET /stats/returning; analysts
-- cost:  the day partitions asked for of user_activity; the number and the page are of one reading
-- param day: Date  the day
-- param days: UInt16  so many days before it
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
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
        -- Which quarter hours of a UTC day belong to which day of the zone.
        SELECT
            toDate(at)                                                                         AS day,
            toDate(at, {tz:String})                                                            AS date,
            groupBitOr(bitShiftLeft(toUInt128(1), intDiv(toUnixTimestamp(at), 900) % 96))      AS mask
        FROM
        (
            SELECT toDateTime(arrayJoin(range(
                toUnixTimestamp(toDateTime({day:Date} - {days:UInt16}, {tz:String})),
                toUnixTimestamp(toDateTime({day:Date} + 1, {tz:String})),
                900)), 'UTC') AS at
        )
        GROUP BY day, date
    ) AS parts USING (day)
    WHERE day >= toDate(toDateTime({day:Date} - {days:UInt16}, {tz:String}), 'UTC')
      AND day <= toDate(toDateTime({day:Date} + 1, {tz:String}), 'UTC')
      AND (NOT is_bot OR {bots:Bool})
      AND bitAnd(quarter_hours, mask) != 0
    GROUP BY user_id
    HAVING min(date) < {day:Date} AND max(date) = {day:Date}
)
