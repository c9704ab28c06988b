-- What happened per day and event type, for days that are UTC days: how many users, points and actions?
--
-- asks:  GET /stats/daily
-- cost:  a row a day and event type, from the projection by_day
-- param days: Array(Date)  the days asked for; a range would be turned into one of quarter hours, past the projection
-- param bots: Bool  whether what is marked as done by bots counts
-- param limit: UInt32  so many rows at most
SELECT
    toDate(bucket_at)    AS date,
    event_type,
    uniqMerge(users)     AS users,
    sumMerge(points)     AS points,
    countMerge(actions)  AS actions
FROM events_by_quarter_hour
WHERE toDate(bucket_at) IN {days:Array(Date)} AND (NOT is_bot OR {bots:Bool})
GROUP BY date, event_type
ORDER BY date, event_type
LIMIT {limit:UInt32}
