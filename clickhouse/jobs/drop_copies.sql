-- Take the rows of a day out that lie at given places.
--
-- asks:  `ugc rollup rebuild`
-- cost:  rewrites the parts of the day that have such a row; the places are held in memory
-- param day: Date  the day, UTC
-- param at: Identifier  a table of parts and places
ALTER TABLE events_raw DELETE
WHERE toDate(occurred_at) = {day:Date}
  AND (_part, _part_offset) IN (SELECT part, place FROM {at:Identifier})
