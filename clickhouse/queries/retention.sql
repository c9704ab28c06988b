-- Of the users who came first in a period, how many were there in each period after it?
--
-- asks:  GET /stats/retention
-- cost:  the day partitions asked for of user_activity, and the first events of user_spans
-- param days: Array(Date)  UTC days the asked days lie in, one entry a piece
-- param spans: Array(UInt16)  to which asked period, counted from 0, each piece belongs
-- param masks: Array(UInt128)  which quarter hours of the UTC day that are
-- param bots: Bool  whether users count for what bots did in their name
-- param newcomers_since: DateTime('UTC')  who was there before is no newcomer
-- param cohorts: UInt8  the newcomers of so many periods
SELECT cohort, arrayJoin(bitPositionsToArray(periods)) AS period, count() AS users
FROM
(
    SELECT
        groupBitOr(bitShiftLeft(toUInt64(1), span)) AS periods,
        -- The lowest bit: the period of the first event, as nobody here was there before.
        bitCount(bitXor(periods, periods - 1)) - 1  AS cohort
    FROM user_activity
    INNER JOIN
    (
        SELECT piece.1 AS day, piece.2 AS span, piece.3 AS mask
        FROM (SELECT arrayJoin(arrayZip({days:Array(Date)}, {spans:Array(UInt16)}, {masks:Array(UInt128)})) AS piece)
    ) AS pieces USING (day)
    WHERE day BETWEEN arrayMin({days:Array(Date)}) AND arrayMax({days:Array(Date)})
      AND (NOT is_bot OR {bots:Bool})
      AND bitAnd(quarter_hours, mask) != 0
      AND user_id NOT IN (
          SELECT user_id
          FROM user_spans
          WHERE first_at < {newcomers_since:DateTime('UTC')} AND (NOT is_bot OR {bots:Bool})
      )
    GROUP BY user_id
)
WHERE cohort < {cohorts:UInt8}
GROUP BY cohort, period
