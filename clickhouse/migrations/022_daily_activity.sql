-- What was done on a day: by how many, how often, for how many points?
-- Undo: DROP VIEW daily_activity.
CREATE VIEW IF NOT EXISTS daily_activity
(
    day        Date                   COMMENT 'UTC day.',
    event_type LowCardinality(String) COMMENT 'As in events_raw.',
    users      UInt64                 COMMENT 'Different users; an estimate beyond 65,536.',
    points     Float64                COMMENT 'Sum of value.',
    actions    UInt64                 COMMENT 'Number of events; exact.'
)
AS
SELECT
    toDate(bucket_at)   AS day,
    event_type,
    uniqMerge(users)    AS users,
    sumMerge(points)    AS points,
    countMerge(actions) AS actions
FROM events_by_quarter_hour
WHERE NOT is_bot
GROUP BY day, event_type
COMMENT 'Users, points and actions by day and event type; a day reads its own partition of the aggregate.'
