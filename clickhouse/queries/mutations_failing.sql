-- Which changes of what is stored failed when they were tried last?
--
-- asks:  `ugc doctor`
-- cost:  what the tables say of themselves
SELECT table, mutation_id, command, latest_fail_reason
FROM system.mutations
WHERE database = currentDatabase() AND NOT is_done AND latest_fail_reason != ''
ORDER BY create_time, table, mutation_id
