-- Which search filters are used, and with which values?
--
-- asks:  analysts
-- cost:  the days asked for of events_raw, at most 30; properties of applied filters alone
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String = UTC  the zone whose days these are, such as UTC or Europe/Berlin
-- param limit: UInt32 = 100  so many pairs at most, those used most often
SELECT
    used.1              AS filter,
    used.2              AS value_as_json,
    count()             AS uses,
    uniqExact(user_id)  AS users
FROM events_raw
ARRAY JOIN JSONExtractKeysAndValuesRaw(properties, 'filters') AS used
WHERE occurred_at >= toDateTime64({first:Date}, 3, {tz:String})
  AND occurred_at < toDateTime64({last:Date} + 1, 3, {tz:String})
  AND NOT is_bot
  AND event_type = 'search_filter_applied'
GROUP BY filter, value_as_json
ORDER BY uses DESC, filter, value_as_json
LIMIT {limit:UInt32}
