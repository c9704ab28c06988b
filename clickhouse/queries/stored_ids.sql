-- Which of these event ids are stored already?
--
-- asks:  the ETL, once a range, before it inserts
-- cost:  the primary key's order is (hour, id): without a bound in time it looks into every hour held
-- param ids: Array(UUID)  the ids of one range
SELECT event_id
FROM events_raw
WHERE toUInt128(event_id) IN (SELECT toUInt128(arrayJoin({ids:Array(UUID)})))
