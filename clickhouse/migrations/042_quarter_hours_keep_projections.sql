-- A merge of parts makes the projections below anew. They hold states, which can be merged in any order.
-- Undo: ALTER TABLE events_by_quarter_hour RESET SETTING deduplicate_merge_projection_mode (after the projections).
ALTER TABLE events_by_quarter_hour MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild'
