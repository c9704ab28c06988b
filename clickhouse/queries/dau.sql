-- How many different users came, per day?
--
-- asks:  GET /stats/dau
-- cost:  the day partitions asked for of user_activity: a row a user and day
-- param days: Array(Date)  UTC days the asked days lie in, one entry a piece
-- param spans: Array(UInt16)  to which asked day, counted from 0, each piece belongs
-- param masks: Array(UInt128)  which quarter hours of the UTC day that are
-- param bots: Bool  whether users count for what bots did in their name
SELECT span, uniqExact(user_id) AS users
FROM user_activity
INNER JOIN
(
    SELECT piece.1 AS day, piece.2 AS span, piece.3 AS mask
    FROM (SELECT arrayJoin(arrayZip({days:Array(Date)}, {spans:Array(UInt16)}, {masks:Array(UInt128)})) AS piece)
) AS pieces USING (day)
WHERE day BETWEEN arrayMin({days:Array(Date)}) AND arrayMax({days:Array(Date)})
  AND (NOT is_bot OR {bots:Bool})
  AND bitAnd(quarter_hours, mask) != 0
GROUP BY span
