-- Who asks: the storage benches. The table with its maps; PostgreSQL compresses no value this small.
SELECT pg_total_relation_size('events')
