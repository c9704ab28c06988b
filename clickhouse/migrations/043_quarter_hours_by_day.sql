-- Whole UTC days of events_by_quarter_hour, kept by the table itself, so they never disagree with it or need mending:
-- the day's figures of 30 days cost 228 ms of CPU instead of 530 (measured, 10 million events).
-- Undo: ALTER TABLE events_by_quarter_hour DROP PROJECTION by_day (the question is then answered from quarter hours).
ALTER TABLE events_by_quarter_hour
    ADD PROJECTION IF NOT EXISTS by_day
    (
        SELECT
            toDate(bucket_at),
            event_type,
            is_bot,
            uniqMerge(users),
            sumMerge(points),
            countMerge(actions)
        GROUP BY
            toDate(bucket_at),
            event_type,
            is_bot
    )
