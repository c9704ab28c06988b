-- Which parts are days of a table made of?
--
-- asks:  GET /stats/dau and /stats/daily, before a day that was read before is read again
-- cost:  what each part says of itself; no column is read
-- param table: Identifier  the table
-- param name: String  its name once more: a table made anew may give names of parts that the old one gave
-- param partitions: Array(String)  days of UTC, as partitions are called: 20261231
SELECT
    _partition_id,
    hex(sipHash128(
        (SELECT any(uuid) FROM system.tables WHERE database = currentDatabase() AND name = {name:String}),
        arraySort(groupArray((_part, rows)))
    )) AS made_of
FROM
(
    SELECT _partition_id, _part, count() AS rows
    FROM {table:Identifier}
    WHERE _partition_id IN {partitions:Array(String)}
    GROUP BY _partition_id, _part
)
GROUP BY _partition_id
