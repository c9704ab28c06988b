-- Where the ETL asks whether events_raw would take a block: the same columns, the same constraints, no storage.
-- A migration that changes the columns or constraints of events_raw changes these too.
-- Undo: DROP TABLE events_raw_probe.
CREATE TABLE IF NOT EXISTS events_raw_probe AS events_raw
ENGINE = Null
COMMENT 'Takes what events_raw would take, refuses what it would refuse, and stores nothing.'
