-- What passes rows on has the columns of events_raw, worked out as there.
-- Undo: ALTER TABLE events_redo DROP COLUMN user_hash.
ALTER TABLE events_redo
    ADD COLUMN IF NOT EXISTS user_hash UInt64 MATERIALIZED sipHash64(user_id) CODEC(NONE) COMMENT 'The user as a number, by SipHash; the same in user_activity and user_spans.' AFTER user_id
