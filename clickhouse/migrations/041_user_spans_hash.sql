-- The user as a number, as in user_activity.
-- Undo: ALTER TABLE user_spans DROP COLUMN user_hash (cohorts then cannot be counted).
ALTER TABLE user_spans
    ADD COLUMN IF NOT EXISTS user_hash SimpleAggregateFunction(any, UInt64) MATERIALIZED sipHash64(user_id) CODEC(NONE) COMMENT 'The user as a number, by SipHash; the same in user_activity.'
