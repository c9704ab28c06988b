-- Who asks: the storage benches. The owner's table, word by word; FLOAT has 8 bytes here.
CREATE TABLE events
(
    event_time TIMESTAMP,
    user_id    INT,
    event_type VARCHAR(20),
    value      FLOAT
)
