-- What the columns of user_activity_mv mean: as in user_activity, which it feeds.
-- Undo: none needed.
ALTER TABLE user_activity_mv
    COMMENT COLUMN day           'UTC day of occurred_at.',
    COMMENT COLUMN is_bot        'As in events_raw; one user may have rows of both kinds.',
    COMMENT COLUMN user_id       'As in events_raw.',
    COMMENT COLUMN quarter_hours 'Bit n is set when there was an event in quarter hour n (0 to 95) of the day; read with groupBitOr.'
