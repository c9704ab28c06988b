-- Which columns of properties are not written into all parts of events_raw, with nobody at it?
--
-- asks:  `ugc migrate` and `ugc up`
-- cost:  what the parts say of themselves
-- param columns: Array(String)  their names
-- param added: Array(String)  those of them that were added just now: what a part has under such a name is of another
SELECT DISTINCT arrayJoin(arrayFilter(
    each -> has({added:Array(String)}, each) OR NOT has(written, each), {columns:Array(String)}
)) AS column
FROM
(
    -- One look at one table: counts of two looks differ while inserts come.
    SELECT groupArray(parts_columns.column) AS written
    FROM system.parts_columns
    WHERE database = currentDatabase() AND table = 'events_raw' AND active AND rows > 0
    GROUP BY parts_columns.name
)
WHERE column NOT IN
(
    SELECT trimBoth(extract(command, 'MATERIALIZE COLUMN ([^)]+)'), '` ') FROM system.mutations
    WHERE database = currentDatabase() AND table = 'events_raw' AND NOT is_done
)
ORDER BY column
