-- Which films are watched to their end, and how much of them?
--
-- asks:  analysts
-- cost:  the days asked for of events_raw, at most 30; properties of completed videos alone
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String = UTC  the zone whose days these are, such as UTC or Europe/Berlin
-- param limit: UInt32 = 100  so many films at most, those completed most often
SELECT
    film_id,
    count()                                                                    AS completed,
    uniqExact(user_id)                                                         AS users,
    round(100 * avgOrNullIf(least(watched_ms / duration_ms, 1), duration_ms > 0 AND isNotNull(watched_ms)), 2) AS watched_percent
FROM
(
    SELECT
        user_id,
        JSONExtractString(properties, 'film_id')                           AS film_id,
        JSONExtract(properties, 'watched_ms', 'Nullable(UInt64)')          AS watched_ms,
        JSONExtract(properties, 'duration_ms', 'Nullable(UInt64)')         AS duration_ms
    FROM events_raw
    WHERE occurred_at >= toDateTime64({first:Date}, 3, {tz:String})
      AND occurred_at < toDateTime64({last:Date} + 1, 3, {tz:String})
      AND NOT is_bot
      AND event_type = 'video_completed'
)
GROUP BY film_id
ORDER BY completed DESC, film_id
LIMIT {limit:UInt32}
