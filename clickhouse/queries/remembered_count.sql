-- How many ids would an in-memory memory have to hold?
--
-- asks:  the ETL, before it reads them (remembered_ids, remembered_times)
-- cost:  the id column whole: once a start of the ETL and after a rebalance, in the background
SELECT
    countIf(bitAnd(bitShiftRight(id, 76), 15) != 7)
        + uniqIf(toUInt64(bitShiftRight(id, 88)), bitAnd(bitShiftRight(id, 76), 15) = 7) AS ids
FROM event_ids
