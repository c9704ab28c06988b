-- Which properties have a column of their own in events_raw?
--
-- asks:  every question with a segment, once a minute; `ugc migrate` and `ugc doctor`
-- cost:  what the table says of itself
-- param prefix: String  how the names of such columns begin
SELECT name, comment
FROM system.columns
WHERE database = currentDatabase() AND table = 'events_raw' AND default_kind = 'MATERIALIZED'
    AND startsWith(name, {prefix:String})
ORDER BY name
