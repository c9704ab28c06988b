-- One line a range that the ETL moved: what became of its records. Written again after a redo, so read FINAL.
-- Undo: DROP TABLE ranges_moved (the audit of the past and the measured freshness go with it).
CREATE TABLE IF NOT EXISTS ranges_moved
(
    kafka_topic_id  LowCardinality(String)        COMMENT 'Topic the range was read from.',
    kafka_partition UInt32                        COMMENT 'Partition the range was read from.',
    first_offset    UInt64 CODEC(Delta, ZSTD(1))  COMMENT 'First offset of the range.',
    last_offset     UInt64 CODEC(Delta, ZSTD(1))  COMMENT 'Last offset of the range, included.',
    records         UInt32                        COMMENT 'Records in it; offsets in between may be missing.',
    rows            UInt32                        COMMENT 'Of these, how many became rows of events_raw.',
    duplicates      UInt32                        COMMENT 'How many were left out because their id was there already.',
    conflicts       UInt32                        COMMENT 'How many of the duplicates said something else than the first one.',
    dead            UInt32                        COMMENT 'How many became dead letters.',
    canaries        UInt32                        COMMENT 'How many were canaries, which measure freshness and are no events.',
    canary_sent_at  Nullable(DateTime64(3, 'UTC')) COMMENT 'When the newest of them was sent; NULL when there was none.',
    moved_at        DateTime64(3, 'UTC')          COMMENT 'When the range was stored.'
)
ENGINE = ReplacingMergeTree(moved_at)
PARTITION BY toYYYYMM(moved_at)
ORDER BY (kafka_topic_id, kafka_partition, first_offset)
TTL toDateTime(moved_at) + INTERVAL 180 DAY
SETTINGS ttl_only_drop_parts = 1
COMMENT 'Ledger of the ETL: one line a range, kept 180 days; read with FINAL.'
