-- When each user came first and was seen last: what makes somebody a newcomer in a cohort.
-- Undo: DROP TABLE user_spans (rebuild from events_raw for the days it still holds whole).
--
-- No partitions: a user's span has no day. Rows go by age one by one, as a part holds old and new users; and
-- later than any activity they could be asked about: a row that has not met its user's newer one in a merge
-- may go before it, so whoever was away for 185 days may count as new, and nobody else.
-- Told twice it says the same (min, max), as user_activity.
CREATE TABLE IF NOT EXISTS user_spans
(
    user_id  String                                             CODEC(ZSTD(1)) COMMENT 'As in events_raw.',
    is_bot   Bool                                               CODEC(ZSTD(1)) COMMENT 'As in events_raw; a user marked only sometimes has two spans.',
    first_at SimpleAggregateFunction(min, DateTime64(3, 'UTC')) CODEC(ZSTD(1)) COMMENT 'The user''s first event as far back as is remembered; read with min.',
    last_at  SimpleAggregateFunction(max, DateTime64(3, 'UTC')) CODEC(ZSTD(1)) COMMENT 'The user''s latest event; read with max.'
)
ENGINE = AggregatingMergeTree
ORDER BY (user_id, is_bot)
TTL toDateTime(last_at) + INTERVAL 365 DAY
SETTINGS
    non_replicated_deduplication_window = 10000,
    fsync_after_insert = 1,
    fsync_part_directory = 1
COMMENT 'First and last event of each user; forgotten a year after the last.';
