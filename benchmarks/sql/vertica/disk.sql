-- Who asks: the storage benches. Every container of every projection of the table, on all nodes.
SELECT SUM(used_bytes)
FROM v_monitor.projection_storage
WHERE anchor_table_schema = CURRENT_SCHEMA() AND anchor_table_name = 'events'
