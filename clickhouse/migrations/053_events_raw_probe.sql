-- The probe has the columns of events_raw, worked out as there.
-- Undo: none needed; it holds nothing.
CREATE OR REPLACE TABLE events_raw_probe AS events_raw
ENGINE = Null
COMMENT 'Takes what events_raw would take, refuses what it would refuse, and stores nothing.'
