-- Which inserts into a table, or from it, are running now?
--
-- asks:  `ugc rollup rebuild`, which has to know what may still be on its way into a day
-- cost:  the list of running queries
-- param table: String  the table's name
SELECT query_id
FROM system.processes
WHERE query_kind = 'Insert' AND position(query, {table:String}) > 0
