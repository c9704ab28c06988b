-- Who asks: the storage benches. Feeds events_by_quarter_hour from every insert into events.
CREATE MATERIALIZED VIEW events_by_quarter_hour_mv TO events_by_quarter_hour
AS
SELECT
    toStartOfFifteenMinutes(event_time) AS bucket_at,
    event_type,
    uniqState(user_id)                  AS users,
    sumState(value)                     AS points,
    countState()                        AS actions
FROM events
GROUP BY
    bucket_at,
    event_type
COMMENT 'Counts each insert into events into events_by_quarter_hour.'
