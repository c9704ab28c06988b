-- Which search filters are used, and with which values?
-- Undo: DROP VIEW filter_use.
CREATE VIEW IF NOT EXISTS filter_use
(
    day    Date   COMMENT 'UTC day; the 30 that events_raw holds.',
    filter String COMMENT 'A key of properties.filters of search_filter_applied events: genre, rating, actor, …',
    value  String COMMENT 'Its value as JSON, as it was sent.',
    uses   UInt64 COMMENT 'How often it was applied; bots left out.',
    users  UInt64 COMMENT 'By how many different users; an estimate beyond 65,536.'
)
AS
SELECT
    toDate(occurred_at) AS day,
    applied.1           AS filter,
    applied.2           AS value,
    count()             AS uses,
    uniq(user_id)       AS users
FROM events_raw
ARRAY JOIN JSONExtractKeysAndValuesRaw(properties, 'filters') AS applied
WHERE event_type = 'search_filter_applied' AND NOT is_bot
GROUP BY day, filter, value
COMMENT 'Search filters by day, name and value; a day reads its own partition of events_raw.'
