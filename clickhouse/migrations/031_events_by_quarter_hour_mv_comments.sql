-- What the columns of events_by_quarter_hour_mv mean: as in events_by_quarter_hour, which it feeds.
-- Undo: none needed.
ALTER TABLE events_by_quarter_hour_mv
    COMMENT COLUMN bucket_at        'Start of the quarter hour of occurred_at.',
    COMMENT COLUMN event_type       'As in events_raw.',
    COMMENT COLUMN is_bot           'As in events_raw; bots are left out of answers unless asked for.',
    COMMENT COLUMN kafka_topic_id   'As in events_raw.',
    COMMENT COLUMN kafka_partition  'As in events_raw.',
    COMMENT COLUMN users            'Distinct user_id; read with uniqMerge.',
    COMMENT COLUMN points           'Sum of value; read with sumMerge.',
    COMMENT COLUMN actions          'Number of events; read with countMerge.',
    COMMENT COLUMN kafka_offset_max 'Highest offset counted here; read with max.',
    COMMENT COLUMN received_at_max  'Latest received_at counted here; read with max.',
    COMMENT COLUMN ingested_at_max  'Latest ingested_at counted here; read with max.'
