-- Which stored ids do not tell their own time (are not UUIDv7)?
--
-- asks:  the ETL, to fill its memory
-- cost:  the id column whole, streamed; in the background
SELECT id
FROM event_ids
WHERE bitAnd(bitShiftRight(id, 76), 15) != 7
