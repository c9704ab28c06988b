-- Up to which event does the next piece of an export reach, and how many are in it?
--
-- asks:  `ugc export`, once a piece
-- cost:  the key columns of one piece, read in the order they are stored in; the partitions of the day alone
-- param since:     DateTime64(3, 'UTC')  start of the day that is exported
-- param until:     DateTime64(3, 'UTC')  its end, excluded
-- param from_hour: DateTime('UTC')       hour of the first event of the piece
-- param from_id:   UInt128               id of the first event of the piece, as a number
-- param rows:      UInt64                how many events a piece has at most
SELECT
    count()     AS rows,
    max(hour)   AS last_hour,
    argMax(id, (hour, id)) AS last_id
FROM
(
    SELECT
        toStartOfHour(occurred_at) AS hour,
        toUInt128(event_id)        AS id
    FROM events_raw
    WHERE occurred_at >= {since:DateTime64(3, 'UTC')}
      AND occurred_at < {until:DateTime64(3, 'UTC')}
      AND (
          toStartOfHour(occurred_at) > {from_hour:DateTime('UTC')}
          OR (toStartOfHour(occurred_at) = {from_hour:DateTime('UTC')} AND toUInt128(event_id) >= {from_id:UInt128})
      )
    ORDER BY toStartOfHour(occurred_at), toUInt128(event_id)
    LIMIT {rows:UInt64}
)
