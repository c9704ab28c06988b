-- In which 256 ms were stored ids made that tell their own time (UUIDv7)?
--
-- asks:  the ETL, to fill its memory; one id stands for each of them
-- cost:  the id column whole; in the background
--
-- Not named id: a name given here wins over the column's in WHERE, and of itself it is always a UUIDv7.
SELECT DISTINCT
    bitOr(bitShiftLeft(bitShiftRight(id, 88), 88), bitShiftLeft(toUInt128(7), 76)) AS in_its_256_ms
FROM event_ids
WHERE bitAnd(bitShiftRight(id, 76), 15) = 7
