-- A merge of parts makes the projection below anew. It holds states, which can be merged in any order.
-- Undo: ALTER TABLE events_by_quarter_hour RESET SETTING deduplicate_merge_projection_mode (after the projection).
ALTER TABLE events_by_quarter_hour MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild'
