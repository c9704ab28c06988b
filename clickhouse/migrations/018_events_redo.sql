-- Where the ETL tells the tables that may be told twice about the rows of a range it redoes: the same columns,
-- no storage, and a view for each such table with the very SELECT of its view over events_raw (a test compares).
-- Rows that events_raw has dropped by age reach them too. What counts must not be fed from here.
-- A migration that changes the columns or constraints of events_raw makes this anew, as the probe.
-- Undo: DROP TABLE events_redo, after its views (a redo then fails; stop the ETL first).
CREATE TABLE IF NOT EXISTS events_redo AS events_raw
ENGINE = Null
COMMENT 'Passes the rows of a redone range on to what may be told twice, and stores nothing.'
