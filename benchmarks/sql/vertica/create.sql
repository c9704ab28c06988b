-- Who asks: the storage benches. The owner's table; FLOAT has 8 bytes here.
-- The projection is ordered as the MergeTree is, and spread over the nodes by user.
CREATE TABLE events
(
    event_time TIMESTAMP,
    user_id    INT,
    event_type VARCHAR(20) ENCODING RLE,
    value      FLOAT
)
ORDER BY event_type, event_time
SEGMENTED BY HASH(user_id) ALL NODES
