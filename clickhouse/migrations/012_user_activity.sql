-- Who was there and when, exactly: what daily users, returning users and retention are counted from, in any zone.
-- Sketches do not intersect, and a day of another zone is made of two UTC days: a bit for each quarter hour
-- tells which part of them.
-- Undo: DROP TABLE user_activity (rebuild from events_raw for the days it still holds whole).
--
-- Order: a day is one partition, and its users lie sorted, so that two days meet without a hash of everybody.
-- Told twice it says the same (or): a range that is redone is fed again, and no offsets are needed.
-- The same deduplication window as events_raw, though nothing would be counted twice: what is dropped needs
-- no part.
CREATE TABLE IF NOT EXISTS user_activity
(
    day           Date                                            CODEC(ZSTD(1)) COMMENT 'UTC day of occurred_at.',
    is_bot        Bool                                            CODEC(ZSTD(1)) COMMENT 'As in events_raw; one user may have rows of both kinds.',
    user_id       String                                          CODEC(ZSTD(1)) COMMENT 'As in events_raw.',
    quarter_hours SimpleAggregateFunction(groupBitOr, UInt128)    CODEC(ZSTD(1)) COMMENT 'Bit n is set when there was an event in quarter hour n (0 to 95) of the day; read with groupBitOr.'
)
ENGINE = AggregatingMergeTree
PARTITION BY day
ORDER BY (day, is_bot, user_id)
TTL day + INTERVAL 180 DAY
SETTINGS
    ttl_only_drop_parts = 1,
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'In which quarter hours (UTC) each user was active, by day; exact; kept 180 days.';
