-- What the columns of user_spans_mv mean: as in user_spans, which it feeds.
-- Undo: none needed.
ALTER TABLE user_spans_mv
    COMMENT COLUMN user_id  'As in events_raw.',
    COMMENT COLUMN is_bot   'As in events_raw; a user marked only sometimes has two spans.',
    COMMENT COLUMN first_at 'The user''s first event as far back as is remembered; read with min.',
    COMMENT COLUMN last_at  'The user''s latest event; read with max.'
