-- What became of the records of the log, partition by partition, by the ledger and by the ids that are there?
--
-- asks:  `ugc audit`: every record is a row, a duplicate, a dead letter or a canary
-- cost:  the ledger of one topic; of event_ids the columns of the origin, whole
--
-- Ranges that overlap come from a replay with other cuts: what each brought cannot be told apart then, and only
-- the sums are held against each other. `gaps` are offsets that no range covers.
-- param topic_id: String  the topic's id
-- param partition: UInt32  its partition
-- param first: UInt64  the oldest offset that the log holds
-- param end: UInt64  the offset after the last
SELECT
    count()                                                       AS ranges,
    min(first_offset)                                             AS first,
    max(last_offset)                                              AS last,
    sum(moved.records)                                            AS records,
    sum(moved.rows)                                               AS rows,
    sum(moved.duplicates)                                         AS duplicates,
    sum(moved.dead)                                               AS dead,
    sum(moved.canaries)                                           AS canaries,
    sum(moved.ids)                                                AS ids,
    countIf(moved.records != moved.rows + moved.duplicates + moved.dead + moved.canaries) AS torn,
    countIf(first_offset <= reached)                              AS overlaps,
    countIf(moved.ids < moved.rows)                               AS forgotten,
    countIf(moved.ids > moved.rows + moved.duplicates)            AS unknown,
    minIf(first_offset, moved.ids < moved.rows OR moved.ids > moved.rows + moved.duplicates
        OR moved.records != moved.rows + moved.duplicates + moved.dead + moved.canaries) AS example,
    groupArrayIf(10000)((toUInt64(reached + 1), toUInt64(first_offset - 1)), reached >= 0 AND first_offset > reached + 1) AS gaps
FROM
(
    SELECT
        *,
        max(toInt64(last_offset)) OVER (ORDER BY first_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
        if(row_number() OVER (ORDER BY first_offset) = 1, -1, before) AS reached
    FROM
    (
        SELECT
            ranges.first_offset AS first_offset,
            ranges.last_offset  AS last_offset,
            ranges.records      AS records,
            ranges.rows         AS rows,
            ranges.duplicates   AS duplicates,
            ranges.dead         AS dead,
            ranges.canaries     AS canaries,
            found.ids           AS ids
        FROM
        (
            SELECT first_offset, last_offset, records, rows, duplicates, dead, canaries
            FROM ranges_moved FINAL
            WHERE kafka_topic_id = {topic_id:String} AND kafka_partition = {partition:UInt32}
              AND last_offset >= {first:UInt64} AND last_offset < {end:UInt64}
        ) AS ranges
        LEFT JOIN
        (
            SELECT begun.first_offset AS first_offset, uniqExact(stored.kafka_offset) AS ids
            FROM
            (
                SELECT 1 AS one, kafka_offset
                FROM event_ids
                WHERE kafka_topic_id = {topic_id:String} AND kafka_partition = {partition:UInt32}
                  AND kafka_offset < {end:UInt64}
            ) AS stored
            ASOF INNER JOIN
            (
                SELECT 1 AS one, first_offset
                FROM ranges_moved FINAL
                WHERE kafka_topic_id = {topic_id:String} AND kafka_partition = {partition:UInt32}
                  AND last_offset >= {first:UInt64} AND last_offset < {end:UInt64}
            ) AS begun ON stored.one = begun.one AND stored.kafka_offset >= begun.first_offset
            GROUP BY first_offset
        ) AS found ON ranges.first_offset = found.first_offset
    )
) AS moved
