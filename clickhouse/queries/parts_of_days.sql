-- Which parts are days of a table made of, and from when to when?
--
-- asks:  GET /stats/dau, daily, retention and retention-7d, before what was read before is read again
-- cost:  what each part says of itself; no column is read
-- param table: Identifier  the table
-- param at: Identifier  the column whose UTC days are its partitions; of each part its least and greatest are known
-- param partitions: Array(String)  days of UTC, as partitions are called: 20261231
SELECT
    sipHash128(_part, _part_uuid)                            AS part,
    toUnixTimestamp(toDateTime(min({at:Identifier}), 'UTC')) AS first_at,
    toUnixTimestamp(toDateTime(max({at:Identifier}), 'UTC')) AS last_at
FROM {table:Identifier}
WHERE _partition_id IN {partitions:Array(String)}
GROUP BY _part, _part_uuid
