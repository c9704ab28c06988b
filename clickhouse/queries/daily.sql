-- What happened per day and event type: how many users, points and actions?
--
-- asks:  GET /stats/daily
-- cost:  the day partitions asked for, of the quarter-hour aggregate
-- param edges: Array(UInt32)  where each asked day begins, and where the last ends, in seconds since 1970
-- param bots: Bool  whether events of bots count
SELECT toUInt16(indexOf({edges:Array(UInt32)}, edge) - 1) AS span, event_type, users, points, actions
FROM
(
    SELECT
        roundDown(toUnixTimestamp(bucket_at), {edges:Array(UInt32)}) AS edge,
        event_type,
        uniqMerge(users)    AS users,
        sumMerge(points)    AS points,
        countMerge(actions) AS actions
    FROM events_by_quarter_hour
    WHERE bucket_at >= toDateTime({edges:Array(UInt32)}[1], 'UTC')
      AND bucket_at < toDateTime({edges:Array(UInt32)}[-1], 'UTC')
      AND (NOT is_bot OR {bots:Bool})
    GROUP BY edge, event_type
)
ORDER BY span, event_type
