-- How many rows of a day are copies of another row of that day?
--
-- asks:  `ugc audit`
-- cost:  the id column of one day of events_raw; spills to disk beyond 256 MiB
-- param day: Date  the day, UTC
SELECT
    sum(rows)                          AS in_raw,
    count()                            AS in_table,
    countIf(rows > 1)                  AS wrong,
    anyIf(toString(event_id), rows > 1) AS example
FROM
(
    SELECT event_id, count() AS rows
    FROM events_raw
    WHERE toDate(occurred_at) = {day:Date}
    GROUP BY event_id
)
SETTINGS max_bytes_before_external_group_by = 268435456
