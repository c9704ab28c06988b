-- What do the stored rows of these ids say?
--
-- asks:  the ETL, for copies of what is stored: do they agree with the first one?
-- cost:  the primary key is (hour, id): the granules of those hours that hold one of the ids
-- param hours: Array(DateTime('UTC'))  the hours in which the copies say they happened
-- param ids: Array(UUID)  the ids, 2,000 at most
SELECT
    toUInt128(event_id)                   AS id,
    toUnixTimestamp64Milli(occurred_at)   AS occurred_at_ms,
    user_id,
    event_type,
    value,
    session_id,
    properties
FROM events_raw
WHERE toStartOfHour(occurred_at) IN {hours:Array(DateTime('UTC'))}
  AND toUInt128(event_id) IN (SELECT toUInt128(arrayJoin({ids:Array(UUID)})))
