-- Of the users of a day, how many came back within the seven days after it?
--
-- asks:  GET /stats/retention-7d
-- cost:  the day partitions asked for of user_activity, and seven days more
-- param days: Array(Date)  UTC days the asked days lie in, one entry a piece
-- param spans: Array(UInt16)  to which asked day, counted from 0, each piece belongs
-- param masks: Array(UInt128)  which quarter hours of the UTC day that are
-- param bots: Bool  whether users count for what bots did in their name
-- param asked: UInt8  the first so many days are asked for, at most 57; the rest only tells who came back
SELECT
    toUInt16(day_number)                                                         AS span,
    count()                                                                      AS total,
    countIf(bitAnd(bitShiftRight(active, day_number + 1), 127) != 0)             AS returned
FROM
(
    SELECT groupBitOr(bitShiftLeft(toUInt64(1), span)) AS active
    FROM user_activity
    INNER JOIN
    (
        SELECT piece.1 AS day, piece.2 AS span, piece.3 AS mask
        FROM (SELECT arrayJoin(arrayZip({days:Array(Date)}, {spans:Array(UInt16)}, {masks:Array(UInt128)})) AS piece)
    ) AS pieces USING (day)
    WHERE day BETWEEN arrayMin({days:Array(Date)}) AND arrayMax({days:Array(Date)})
      AND (NOT is_bot OR {bots:Bool})
      AND bitAnd(quarter_hours, mask) != 0
    GROUP BY user_id
)
ARRAY JOIN bitPositionsToArray(active) AS day_number
WHERE day_number < {asked:UInt8}
GROUP BY day_number
