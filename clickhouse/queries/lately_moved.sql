-- What became of the records that were moved last, range by range?
--
-- asks:  the ETL at its start: whether the stream had gone bad before it
-- cost:  the ledger's parts of the last month, once a start
-- param topic_id: String  which topic
-- param days: UInt16  look back so many days
-- param ranges_max: UInt32  and so many ranges
SELECT token, good, dead
FROM
(
    SELECT
        concat(kafka_topic_id, ':', toString(kafka_partition), ':', toString(first_offset), '-',
               toString(last_offset)) AS token,
        toUInt32(records - least(records, dead + canaries)) AS good,
        ranges_moved.dead AS dead,
        moved_at
    FROM ranges_moved FINAL
    WHERE kafka_topic_id = {topic_id:String}
        AND moved_at > now('UTC') - toIntervalDay({days:UInt16})
    ORDER BY moved_at DESC
    LIMIT {ranges_max:UInt32}
)
ORDER BY moved_at
