-- Who asks: the check after every load. Any row lost, doubled or changed shows in one of these.
-- Distinct users by grouping twice: count(DISTINCT) would sort every row.
SELECT event_type, sum(rows), sum(value_sum), count(*), sum(user_id::bigint * rows), sum(time_ms_sum)
FROM
(
    SELECT
        event_type,
        user_id,
        count(*)   AS rows,
        sum(value) AS value_sum,
        sum((date_part('epoch', event_time - TIMESTAMP '2026-01-01 00:00:00') * 1000)::bigint) AS time_ms_sum
    FROM events
    GROUP BY event_type, user_id
) AS by_user
GROUP BY event_type
