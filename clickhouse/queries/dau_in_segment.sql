-- How many different users did something of a kind, per day?
--
-- asks:  GET /stats/dau with a segment
-- cost:  the days asked for of events_raw, at most 30
-- param edges: Array(UInt32)  where each asked day begins, and where the last ends, in seconds since 1970
-- param bots: Bool  whether events of bots count
-- param segment: Condition  what else an event must fit
SELECT toUInt16(indexOf({edges:Array(UInt32)}, edge) - 1) AS span, users
FROM
(
    SELECT
        roundDown(toUnixTimestamp(occurred_at), {edges:Array(UInt32)}) AS edge,
        uniqExact(user_id) AS users
    FROM events_raw
    WHERE occurred_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
      AND occurred_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
      AND (NOT is_bot OR {bots:Bool})
      AND {segment:Condition}
    GROUP BY edge
)
