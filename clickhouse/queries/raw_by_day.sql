-- How many rows of a partition of the log does each day hold, and how many of a range?
--
-- asks:  the ETL, in a check by offsets: what a counting table must come to
-- cost:  three narrow columns of the days asked for
-- param topic_id: String  the topic's id
-- param partition: UInt32  its partition
-- param first: UInt64  first offset of the range
-- param last: UInt64  last offset of the range
-- param days: Array(Date)  the days, UTC
SELECT
    toDate(occurred_at)                                                AS day,
    count()                                                            AS all_rows,
    countIf(kafka_offset BETWEEN {first:UInt64} AND {last:UInt64})     AS range_rows
FROM events_raw
WHERE toDate(occurred_at) IN {days:Array(Date)}
  AND kafka_topic_id = {topic_id:String}
  AND kafka_partition = {partition:UInt32}
GROUP BY day
