-- A day becomes one part ten minutes after its last event, as in events_by_quarter_hour.
-- Undo: ALTER TABLE user_activity MODIFY SETTING min_age_to_force_merge_seconds = 21600.
ALTER TABLE user_activity
    MODIFY SETTING min_age_to_force_merge_seconds = 600
