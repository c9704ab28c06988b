-- A day becomes one part when nothing has come for it for six hours, as in events_by_quarter_hour.
-- Undo: ALTER TABLE user_activity RESET SETTING min_age_to_force_merge_seconds, min_age_to_force_merge_on_partition_only.
ALTER TABLE user_activity
    MODIFY SETTING min_age_to_force_merge_seconds = 21600, min_age_to_force_merge_on_partition_only = 1
