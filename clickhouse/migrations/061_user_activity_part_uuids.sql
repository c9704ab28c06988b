-- Each part gets a UUID, as those of events_raw do since 059.
-- Undo: ALTER TABLE user_activity RESET SETTING assign_part_uuids.
ALTER TABLE user_activity
    MODIFY SETTING assign_part_uuids = 1
