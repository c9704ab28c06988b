-- How many rows of a partition of the log does a counting table have for each day, and up to which offset?
--
-- asks:  the ETL, in a check by offsets
-- cost:  the day partitions asked for of that table: a few thousand rows a day
-- param target: Identifier  the table a counting view feeds
-- param day_of: Identifier  its column that says when
-- param topic_id: String  the topic's id
-- param partition: UInt32  its partition
-- param days: Array(Date)  the days, UTC
SELECT
    toDate({day_of:Identifier})  AS day,
    countMerge(actions)          AS counted,
    max(kafka_offset_max)        AS offset_max
FROM {target:Identifier}
WHERE toDate({day_of:Identifier}) IN {days:Array(Date)}
  AND kafka_topic_id = {topic_id:String}
  AND kafka_partition = {partition:UInt32}
GROUP BY day
