-- Which is the last day that events_raw may have begun to drop, by the warehouse's own clock?
--
-- asks:  the ETL, in a check by offsets and for copies that disagree
-- cost:  no table is read
-- param kept_days: UInt16  for how many days events_raw keeps a row
SELECT toDate(now('UTC') - toIntervalDay({kept_days:UInt16})) AS last_dropping_day
