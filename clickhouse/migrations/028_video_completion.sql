-- Which films are watched to the end, and how much of them was watched?
-- Undo: DROP VIEW video_completion.
CREATE VIEW IF NOT EXISTS video_completion
(
    day             Date              COMMENT 'UTC day; the 30 that events_raw holds.',
    film_id         String            COMMENT 'properties.film_id of video_completed events.',
    completions     UInt64            COMMENT 'How often it was watched to the end; bots left out.',
    users           UInt64            COMMENT 'By how many different users; an estimate beyond 65,536.',
    watched_s_mean  Nullable(Float64) COMMENT 'Mean of properties.watched_ms in seconds, of the events that tell it.',
    watched_percent Nullable(Float64) COMMENT 'Watched time in percent of the films'' duration, of the events that tell both.'
)
AS
SELECT
    toDate(occurred_at)                              AS day,
    JSONExtractString(properties, 'film_id')         AS film_id,
    count()                                          AS completions,
    uniq(user_id)                                    AS users,
    avg(JSONExtract(properties, 'watched_ms', 'Nullable(Float64)')) / 1000 AS watched_s_mean,
    round(
        100 * sumIf(
            JSONExtract(properties, 'watched_ms', 'Nullable(Float64)'),
            JSONExtract(properties, 'duration_ms', 'Nullable(Float64)') > 0)
        / sumIf(
            JSONExtract(properties, 'duration_ms', 'Nullable(Float64)'),
            isNotNull(JSONExtract(properties, 'watched_ms', 'Nullable(Float64)'))
                AND JSONExtract(properties, 'duration_ms', 'Nullable(Float64)') > 0),
        2)                                           AS watched_percent
FROM events_raw
WHERE event_type = 'video_completed' AND NOT is_bot
GROUP BY day, film_id
COMMENT 'Films watched to the end, by day; a day reads its own partition of events_raw.'
