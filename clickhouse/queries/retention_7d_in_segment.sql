-- Of the users who did something of a kind on a day, how many did it again within the seven days after it?
--
-- asks:  GET /stats/retention-7d with a segment
-- cost:  the days asked for of events_raw, and seven days more
-- param first: Date  first day asked for
-- param asked: UInt8  so many days are asked for, 57 at most; seven more tell who came back
-- param edges: Array(UInt32)  the seconds since 1970 at which each of the days begins, and at which the last one ends
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
        SELECT DISTINCT
            user_hash,
            {first:Date} + intDiv(roundDown(toUnixTimestamp(occurred_at), {edges:Array(UInt32)}) - {edges:Array(UInt32)}[1] + 43200, 86400) AS date
        FROM events_raw
        WHERE occurred_at >= toDateTime64({edges:Array(UInt32)}[1], 3, 'UTC')
          AND occurred_at < toDateTime64({edges:Array(UInt32)}[-1], 3, 'UTC')
          AND (NOT is_bot OR {bots:Bool})
          AND {segment:Condition}
    )
    GROUP BY user_hash
)
ARRAY JOIN bitPositionsToArray(days) AS day_number
WHERE day_number < {asked:UInt8}
GROUP BY day_number
ORDER BY date
