-- What a row must say. A member that is missing becomes its column's default in silence, so each default that
-- no event can have is refused here; the ETL finds the row and makes it a dead letter.
-- Undo: ALTER TABLE events_raw DROP CONSTRAINT each of them (rows are then taken as they come).
--
-- properties_is_an_object: a brace too few would take the following lines of an insert in, and theirs are the
-- line breaks.
-- times_are_storable: seconds beyond 32 bits wrap around in silence in what is computed from them.
ALTER TABLE events_raw
    ADD CONSTRAINT IF NOT EXISTS user_is_named CHECK notEmpty(user_id),
    ADD CONSTRAINT IF NOT EXISTS type_is_a_name CHECK match(event_type, '^[a-z][a-z0-9_.]{0,63}$'),
    ADD CONSTRAINT IF NOT EXISTS times_are_storable CHECK
        occurred_at >= toDateTime64('1970-01-01 00:00:00.000', 3, 'UTC')
        AND occurred_at < toDateTime64('2100-01-01 00:00:00.000', 3, 'UTC')
        AND received_at > toDateTime64('1970-01-01 00:00:00.000', 3, 'UTC')
        AND received_at < toDateTime64('2100-01-01 00:00:00.000', 3, 'UTC'),
    ADD CONSTRAINT IF NOT EXISTS properties_is_an_object CHECK
        startsWith(properties, '{') AND endsWith(properties, '}') AND position(properties, '\n') = 0
