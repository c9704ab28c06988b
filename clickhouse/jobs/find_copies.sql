-- Where do rows of a day lie that are copies of another row of that day?
--
-- asks:  `ugc rollup rebuild`, before it takes them out
-- cost:  the id column of one day of events_raw; spills to disk beyond 256 MiB
--
-- The row that was stored first is none: what was answered from it stays true. A place is good until its part is
-- merged; after that it names no row, and never another one.
-- param day: Date  the day, UTC
-- param into: Identifier  a table of parts and places
-- param at_most: UInt32  so many of them
INSERT INTO {into:Identifier} (part, place)
SELECT copy.2, copy.3
FROM
(
    SELECT arrayJoin(arrayPopFront(arraySort(groupArray((ingested_at, _part, _part_offset))))) AS copy
    FROM events_raw
    WHERE toDate(occurred_at) = {day:Date}
    GROUP BY event_id
    HAVING count() > 1
    LIMIT {at_most:UInt32}
)
SETTINGS max_bytes_before_external_group_by = 268435456
