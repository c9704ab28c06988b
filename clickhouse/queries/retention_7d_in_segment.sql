-- Of the users who did something of a kind on a day, how many did it again within the seven days after it?
--
-- asks:  GET /stats/retention-7d with a segment
-- cost:  the days asked for of events_raw, and seven days more
-- param edges: Array(UInt32)  where each asked day begins, and where the last ends, in seconds since 1970
-- param bots: Bool  whether events of bots count
-- param segment: Condition  what else an event must fit
-- param asked: UInt8  the first so many days are asked for, at most 57; the rest only tells who came back
SELECT
    toUInt16(day_number)                                                         AS span,
    count()                                                                      AS total,
    countIf(bitAnd(bitShiftRight(active, day_number + 1), 127) != 0)             AS returned
FROM
(
    SELECT groupBitOr(bitShiftLeft(toUInt64(1), indexOf({edges:Array(UInt32)}, edge) - 1)) AS active
    FROM
    (
        SELECT DISTINCT user_id, roundDown(toUnixTimestamp(occurred_at), {edges:Array(UInt32)}) AS edge
        FROM events_raw
        WHERE occurred_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
          AND occurred_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
          AND (NOT is_bot OR {bots:Bool})
          AND {segment:Condition}
    )
    GROUP BY user_id
)
ARRAY JOIN bitPositionsToArray(active) AS day_number
WHERE day_number < {asked:UInt8}
GROUP BY day_number
