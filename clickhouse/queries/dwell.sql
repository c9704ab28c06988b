-- Which pages hold people, and for how long?
--
-- asks:  analysts
-- cost:  the days asked for of events_raw, at most 30; properties of page views alone
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String = UTC  the zone whose days these are, such as UTC or Europe/Berlin
-- param limit: UInt32 = 100  so many pages at most, those seen longest in all
SELECT
    JSONExtractString(properties, 'kind')                      AS kind,
    JSONExtractString(properties, 'page')                      AS page,
    count()                                                    AS views,
    uniqExact(user_id)                                         AS users,
    medianExactOrNull(dwell_ms)                                AS median_dwell_ms,
    sum(toFloat64(ifNull(dwell_ms, 0)))                        AS total_dwell_ms
FROM
(
    SELECT user_id, properties, JSONExtract(properties, 'dwell_ms', 'Nullable(UInt64)') AS dwell_ms
    FROM events_raw
    WHERE occurred_at >= toDateTime64({first:Date}, 3, {tz:String})
      AND occurred_at < toDateTime64({last:Date} + 1, 3, {tz:String})
      AND NOT is_bot
      AND event_type = 'page_view'
)
GROUP BY kind, page
ORDER BY total_dwell_ms DESC, kind, page
LIMIT {limit:UInt32}
