-- Which columns of events_raw are called like columns of properties, and are they?
--
-- asks:  every question with a segment, once a minute; `ugc migrate`, `ugc up` and `ugc doctor`
-- cost:  what the table says of itself
-- param prefix: String  how the names of such columns begin
-- param expression: String  what they are made of, with a mark in place of the property's key
-- param mark: String  the mark
SELECT
    name,
    default_kind = 'MATERIALIZED' AND type IN ('String', 'LowCardinality(String)') AND ifNull(
        formatQuerySingleLineOrNull(concat('SELECT ', default_expression)) = formatQuerySingleLineOrNull(
            concat('SELECT ', replaceAll({expression:String}, {mark:String}, replaceAll(substring(name, length({prefix:String}) + 1), ':', '.')))
        ),
        0
    ) AS is_ours
FROM system.columns
WHERE database = currentDatabase() AND table = 'events_raw' AND startsWith(name, {prefix:String})
ORDER BY name
