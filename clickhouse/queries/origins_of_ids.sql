-- Which records brought these event ids first?
--
-- asks:  the ETL, on a redo and for copies of what is stored
-- cost:  as stored_ids, and the columns of the origin for the granules that hold one of the ids
-- param ids_00: String  ids of the question, packed; empty when there are no more
-- param ids_01: String  ids of the question, packed; empty when there are no more
-- param ids_02: String  ids of the question, packed; empty when there are no more
-- param ids_03: String  ids of the question, packed; empty when there are no more
-- param ids_04: String  ids of the question, packed; empty when there are no more
-- param ids_05: String  ids of the question, packed; empty when there are no more
-- param ids_06: String  ids of the question, packed; empty when there are no more
-- param ids_07: String  ids of the question, packed; empty when there are no more
-- param ids_08: String  ids of the question, packed; empty when there are no more
-- param ids_09: String  ids of the question, packed; empty when there are no more
-- param ids_10: String  ids of the question, packed; empty when there are no more
-- param ids_11: String  ids of the question, packed; empty when there are no more
-- param ids_12: String  ids of the question, packed; empty when there are no more
-- param ids_13: String  ids of the question, packed; empty when there are no more
-- param ids_14: String  ids of the question, packed; empty when there are no more
-- param ids_15: String  ids of the question, packed; empty when there are no more
SELECT
    id,
    kafka_topic_id,
    kafka_partition,
    kafka_offset
FROM event_ids
WHERE id IN (
    SELECT arrayJoin(reinterpret(concat(
        base64Decode({ids_00:String}),
        base64Decode({ids_01:String}),
        base64Decode({ids_02:String}),
        base64Decode({ids_03:String}),
        base64Decode({ids_04:String}),
        base64Decode({ids_05:String}),
        base64Decode({ids_06:String}),
        base64Decode({ids_07:String}),
        base64Decode({ids_08:String}),
        base64Decode({ids_09:String}),
        base64Decode({ids_10:String}),
        base64Decode({ids_11:String}),
        base64Decode({ids_12:String}),
        base64Decode({ids_13:String}),
        base64Decode({ids_14:String}),
        base64Decode({ids_15:String})
    ), 'Array(UInt128)'))
)
