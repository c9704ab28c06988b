-- How many events happened in this time?
--
-- asks:  `ugc export`, once, for its progress
-- cost:  one column of the partitions of the day
-- param since: DateTime64(3, 'UTC')  start of the day that is exported
-- param until: DateTime64(3, 'UTC')  its end, excluded
SELECT count() AS rows
FROM events_raw
WHERE occurred_at >= {since:DateTime64(3, 'UTC')}
  AND occurred_at < {until:DateTime64(3, 'UTC')}
