-- The probe takes over the constraints that events_raw has now: a Null table cannot be given one later.
-- Undo: none needed; it holds nothing.
CREATE OR REPLACE TABLE events_raw_probe AS events_raw
ENGINE = Null
COMMENT 'Takes what events_raw would take, refuses what it would refuse, and stores nothing.'
