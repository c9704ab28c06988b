-- What was done most on a day?
-- Undo: DROP VIEW daily_top_events.
CREATE VIEW IF NOT EXISTS daily_top_events
(
    day        Date                   COMMENT 'UTC day.',
    place      UInt64                 COMMENT '1 is the most frequent of the day; ties by name.',
    event_type LowCardinality(String) COMMENT 'As in events_raw.',
    actions    UInt64                 COMMENT 'Number of events; exact.'
)
AS
SELECT
    day,
    row_number() OVER (PARTITION BY day ORDER BY actions DESC, event_type ASC) AS place,
    event_type,
    actions
FROM
(
    SELECT
        toDate(bucket_at)   AS day,
        event_type,
        countMerge(actions) AS actions
    FROM events_by_quarter_hour
    WHERE NOT is_bot
    GROUP BY day, event_type
)
COMMENT 'Event types by frequency, day by day; a day reads its own partition of the aggregate.'
