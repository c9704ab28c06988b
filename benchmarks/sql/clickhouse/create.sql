-- Who asks: the storage benches. The owner's table as the product would keep it.
-- TIMESTAMP would be whole seconds here; DateTime64(3) holds the same milliseconds as every other engine's.
-- LowCardinality as in events_raw. fsync, so that a row is as safe when the insert returns as elsewhere.
CREATE TABLE events
(
    event_time DateTime64(3, 'UTC')   COMMENT 'When it happened.',
    user_id    Int32                  COMMENT 'Who did it.',
    event_type LowCardinality(String) COMMENT 'What was done.',
    value      Float32                COMMENT 'Points or money.'
)
ENGINE = MergeTree
ORDER BY (event_type, event_time)
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'The owner''s table of the storage benches.'
