-- A day becomes one part ten minutes after its last event, not six hours: a month that was loaded just now answers as
-- one that rested (measured, 10 million events, quiet machine: top events of 30 days 40 -> 21 ms, cohorts 73 -> 60).
-- Undo: ALTER TABLE events_by_quarter_hour MODIFY SETTING min_age_to_force_merge_seconds = 21600.
ALTER TABLE events_by_quarter_hour
    MODIFY SETTING min_age_to_force_merge_seconds = 600
