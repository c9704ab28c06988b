-- Quarter hours are unpacked for each question in a zone, and LZ4 is unpacked sooner: cohorts of a month take 70 ms
-- instead of 80, and the table 12 % more disk, 0.13 MB a million events (measured, ten million events).
-- Parts that are stored stay as they are until they are merged.
-- Undo: ALTER TABLE user_activity MODIFY COLUMN quarter_hours CODEC(ZSTD(1)).
ALTER TABLE user_activity
    MODIFY COLUMN quarter_hours CODEC(LZ4)
