-- End the changes that read a table and are not done, so that it can go: one that misses it would be tried for ever,
-- and no change after it would be made.
--
-- asks:  `ugc rollup rebuild`
-- cost:  the list of changes
-- param of: String  the table's name; no other name has it as a part
KILL MUTATION
WHERE database = currentDatabase() AND NOT is_done AND position(command, {of:String}) > 0
SYNC
