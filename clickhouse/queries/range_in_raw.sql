-- Which offsets of a range have a row?
--
-- asks:  the ETL, in a check by offsets, after a crash or a lost answer
-- cost:  three narrow columns of the hours the range touches
-- param topic_id: String  the topic's id
-- param partition: UInt32  its partition
-- param first: UInt64  first offset of the range
-- param last: UInt64  last offset of the range
-- param days: Array(Date)  the days its rows happened on, UTC
-- param hours: Array(DateTime('UTC'))  and the hours
SELECT kafka_offset
FROM events_raw
WHERE toDate(occurred_at) IN {days:Array(Date)}
  AND toStartOfHour(occurred_at) IN {hours:Array(DateTime('UTC'))}
  AND kafka_topic_id = {topic_id:String}
  AND kafka_partition = {partition:UInt32}
  AND kafka_offset BETWEEN {first:UInt64} AND {last:UInt64}
