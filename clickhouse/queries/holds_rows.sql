-- Does a table hold any row?
--
-- asks:  `ugc rollup rebuild`: a day without rows has no partition that could take another's place
-- cost:  one granule
-- param table: Identifier  the table
SELECT 1 FROM {table:Identifier} LIMIT 1
