-- Hours, for zones whose days begin on one: the day's figures of 30 days cost 374 ms of CPU instead of 530 (measured).
-- Undo: ALTER TABLE events_by_quarter_hour DROP PROJECTION by_hour (the question is then answered from quarter hours).
ALTER TABLE events_by_quarter_hour
    ADD PROJECTION IF NOT EXISTS by_hour
    (
        SELECT
            toStartOfHour(bucket_at),
            event_type,
            is_bot,
            uniqMerge(users),
            sumMerge(points),
            countMerge(actions)
        GROUP BY
            toStartOfHour(bucket_at),
            event_type,
            is_bot
    )
