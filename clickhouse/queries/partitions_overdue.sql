-- Which partitions hold only rows that their table's TTL should have dropped long ago?
--
-- asks:  `ugc janitor`, `ugc doctor`
-- cost:  the catalogue of parts
--
-- Partitions are called by their day, 2026-11-21, or by their month, 202611; what is called otherwise is left alone.
-- param table: String  the table
-- param kept_days: UInt16  for how many days it keeps a row
-- param grace_hours: UInt16  how long after its end a partition may be waiting for the TTL
SELECT
    partition,
    sum(rows)                                                 AS rows,
    sum(bytes_on_disk)                                        AS bytes,
    dateDiff('day', ends_at, now('UTC')) - {kept_days:UInt16} AS days_over
FROM
(
    SELECT
        partition,
        rows,
        bytes_on_disk,
        multiIf(
            match(partition, '^[0-9]{4}-[0-9]{2}-[0-9]{2}$'),
            toDateTime(toDateOrNull(partition) + 1, 'UTC'),
            match(partition, '^[0-9]{6}$'),
            toDateTime(addMonths(toDateOrNull(concat(substring(partition, 1, 4), '-', substring(partition, 5), '-01')), 1), 'UTC'),
            NULL) AS ends_at
    FROM system.parts
    WHERE database = currentDatabase() AND table = {table:String} AND active
)
WHERE ends_at + toIntervalDay({kept_days:UInt16}) + toIntervalHour({grace_hours:UInt16}) < now('UTC')
GROUP BY partition, ends_at
ORDER BY partition
