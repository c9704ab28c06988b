-- Which tables did a rebuild that was killed leave behind?
--
-- asks:  `ugc rollup rebuild`, which removes them
-- cost:  the catalogue of tables
-- param beginning: String  what the names of such tables begin with
-- param older_than_s: UInt32  seconds; younger ones may be in use
SELECT name
FROM system.tables
WHERE database = currentDatabase()
  AND startsWith(name, {beginning:String})
  AND metadata_modification_time < now() - toIntervalSecond({older_than_s:UInt32})
