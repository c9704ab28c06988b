SELECT count(), arraySlice(arraySort(groupArray(user_id)), 1, 100)
FROM
(
    SELECT user_id
    FROM events_raw
    WHERE occurred_at >= toDateTime({day:Date} - 7, 'UTC') AND occurred_at < toDateTime({day:Date} + 1, 'UTC') AND NOT is_bot
    GROUP BY user_id
    HAVING countIf(toDate(occurred_at) = {day:Date}) > 0 AND countIf(toDate(occurred_at) < {day:Date}) > 0
)
