-- What no event of ours says, and what would spoil numbers for good: a sum with one NaN is NaN, and an id is
-- remembered by the day of its receipt, so a receipt far from the event is forgotten at once or never.
-- The collector takes nothing that is 30 days old or 5 minutes ahead; the bounds are that and a margin.
-- Undo: ALTER TABLE events_raw DROP CONSTRAINT each of them (rows are then taken as they come).
ALTER TABLE events_raw
    ADD CONSTRAINT IF NOT EXISTS value_is_finite CHECK isFinite(value),
    ADD CONSTRAINT IF NOT EXISTS received_near_the_event CHECK
        toUnixTimestamp64Milli(received_at) - toUnixTimestamp64Milli(occurred_at) BETWEEN -3600000 AND 2678400000
