-- Of the users who did something of a kind first in a period, how many did it in each period after it?
--
-- asks:  GET /stats/retention with a segment
-- cost:  events_raw up to the end of the range, as a first event may lie anywhere before it
-- param edges: Array(UInt32)  where each asked period begins, and where the last ends, in seconds since 1970
-- param bots: Bool  whether events of bots count
-- param segment: Condition  what else an event must fit
-- param newcomers_since: DateTime('UTC')  who did it before is no newcomer
-- param cohorts: UInt8  the newcomers of so many periods
SELECT cohort, arrayJoin(bitPositionsToArray(periods)) AS period, count() AS users
FROM
(
    SELECT
        groupBitOr(bitShiftLeft(
            toUInt64(edge >= 0), indexOf({edges:Array(UInt32)}, edge) - 1
        )) AS periods,
        bitCount(bitXor(periods, periods - 1)) - 1 AS cohort
    FROM
    (
        SELECT
            user_id,
            roundDown(toUnixTimestamp(occurred_at), {edges:Array(UInt32)}) AS edge,
            min(occurred_at) AS first_at
        FROM events_raw
        WHERE occurred_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
          AND (NOT is_bot OR {bots:Bool})
          AND {segment:Condition}
        GROUP BY user_id, edge
    )
    GROUP BY user_id
    HAVING min(first_at) >= {newcomers_since:DateTime('UTC')}
)
WHERE cohort < {cohorts:UInt8}
GROUP BY cohort, period
