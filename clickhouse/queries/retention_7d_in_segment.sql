-- Of the users who did something of a kind on a day, how many did it again within the seven days after it?
--
-- asks:  GET /stats/retention-7d with a segment; analysts
-- cost:  the days asked for of events_raw, and seven days more
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included; at most 57 days, as the days of a user are bits of one number
-- param tz: String  the zone whose days these are, such as UTC or Europe/Berlin
-- param bots: Bool  whether what is marked as done by bots counts
-- param segment: Condition  what else an event must fit
SELECT
    {first:Date} + day_number                                         AS date,
    count()                                                           AS total_users_day_0,
    countIf(bitAnd(bitShiftRight(days, day_number + 1), 127) != 0)    AS returned_in_7_days
FROM
(
    SELECT groupBitOr(bitShiftLeft(toUInt64(1), date - {first:Date})) AS days
    FROM
    (
        SELECT DISTINCT user_id, toDate(occurred_at, {tz:String}) AS date
        FROM events_raw
        WHERE occurred_at >= toDateTime({first:Date}, {tz:String})
          AND occurred_at < toDateTime({last:Date} + 7 + 1, {tz:String})
          AND (NOT is_bot OR {bots:Bool})
          AND {segment:Condition}
    )
    GROUP BY user_id
)
ARRAY JOIN bitPositionsToArray(days) AS day_number
WHERE day_number <= {last:Date} - {first:Date}
GROUP BY day_number
ORDER BY date WITH FILL FROM {first:Date} TO {last:Date} + 1
