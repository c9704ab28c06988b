-- What the columns of event_ids_mv mean: as in event_ids, which it feeds.
-- Undo: none needed.
ALTER TABLE event_ids_mv
    COMMENT COLUMN id              'The event_id as a number, so that it sorts by its bytes.',
    COMMENT COLUMN kafka_topic_id  'Topic of the record that brought it first.',
    COMMENT COLUMN kafka_partition 'Partition of that record.',
    COMMENT COLUMN kafka_offset    'Offset of that record.',
    COMMENT COLUMN received_at     'When the collector took that record in.'
