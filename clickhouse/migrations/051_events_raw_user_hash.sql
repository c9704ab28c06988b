-- The user as a number, as in user_activity: segments and exact=true count and group users by the row, and a number of
-- eight bytes is read, hashed and compared for a fraction of what a text costs.
-- Parts from before work it out when they are read, and have it from their next merge on.
-- Undo: ALTER TABLE events_raw DROP COLUMN user_hash (segments and exact=true then fail).
ALTER TABLE events_raw
    ADD COLUMN IF NOT EXISTS user_hash UInt64 MATERIALIZED sipHash64(user_id) CODEC(NONE) COMMENT 'The user as a number, by SipHash; the same in user_activity and user_spans.' AFTER user_id
