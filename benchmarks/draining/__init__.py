"""One preloaded topic drained into the same tables by two: ClickHouse's own Kafka engine, and our ETL."""
