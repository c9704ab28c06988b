-- Which users of a day were there on one of the days before it too, and how many are they?
--
-- asks:  GET /stats/returning
-- cost:  the day partitions asked for of user_activity; the number and the page are of one reading
-- param days: Array(Date)  UTC days the asked days lie in, one entry a piece
-- param spans: Array(UInt16)  whether each piece belongs to the days before (0) or to the day (1)
-- param masks: Array(UInt128)  which quarter hours of the UTC day that are
-- param bots: Bool  whether users count for what bots did in their name
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
        SELECT piece.1 AS day, piece.2 AS span, piece.3 AS mask
        FROM (SELECT arrayJoin(arrayZip({days:Array(Date)}, {spans:Array(UInt16)}, {masks:Array(UInt128)})) AS piece)
    ) AS pieces USING (day)
    WHERE day BETWEEN arrayMin({days:Array(Date)}) AND arrayMax({days:Array(Date)})
      AND (NOT is_bot OR {bots:Bool})
      AND bitAnd(quarter_hours, mask) != 0
    GROUP BY user_id
    HAVING groupBitOr(bitShiftLeft(toUInt8(1), span)) = 3
)
