-- Each part gets a UUID, as those of events_raw do since 059.
-- Undo: ALTER TABLE events_by_quarter_hour RESET SETTING assign_part_uuids.
ALTER TABLE events_by_quarter_hour
    MODIFY SETTING assign_part_uuids = 1
