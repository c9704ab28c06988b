-- What the table holds from before the projection was there.
-- Undo: nothing to undo; twice is harmless.
ALTER TABLE events_by_quarter_hour MATERIALIZE PROJECTION by_day
