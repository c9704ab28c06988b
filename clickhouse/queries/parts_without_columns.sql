-- Which columns of properties are not written into all parts of events_raw, with nobody at it?
--
-- asks:  `ugc migrate` and `ugc up`
-- cost:  what the parts say of themselves
-- param columns: Array(String)  their names
WITH (
    SELECT count() FROM system.parts
    WHERE database = currentDatabase() AND table = 'events_raw' AND active AND rows > 0
) AS parts
SELECT column
FROM (SELECT arrayJoin({columns:Array(String)}) AS column)
WHERE parts > 0
    AND (column, parts) NOT IN
    (
        SELECT column, count() FROM system.parts_columns
        WHERE database = currentDatabase() AND table = 'events_raw' AND active AND rows > 0
        GROUP BY column
    )
    AND column NOT IN
    (
        SELECT trimBoth(extract(command, 'MATERIALIZE COLUMN ([^)]+)'), '` ') FROM system.mutations
        WHERE database = currentDatabase() AND table = 'events_raw' AND NOT is_done
    )
ORDER BY column
