-- From when is the oldest row of each table that forgets by age?
--
-- asks:  the ETL, for a metric: the dropping of old parts can stall without a word
-- cost:  no column of a partitioned table is read, only what each part says of its own bounds
SELECT 'events_raw' AS table, toDateTime(min(occurred_at), 'UTC') AS oldest_at, count() AS rows FROM events_raw
UNION ALL
SELECT 'events_by_quarter_hour' AS table, min(bucket_at) AS oldest_at, count() AS rows FROM events_by_quarter_hour
UNION ALL
SELECT 'event_ids' AS table, min(received_at) AS oldest_at, count() AS rows FROM event_ids
UNION ALL
SELECT 'user_activity' AS table, toDateTime(min(day), 'UTC') AS oldest_at, count() AS rows FROM user_activity
