"""The ClickHouse HTTP interface over chDB: the one process that owns the warehouse's data directory."""
