SELECT
    arrayJoin(days) AS date,
    count(),
    countIf(arrayExists(day -> day > date AND day <= date + 7, days))
FROM
(
    SELECT groupUniqArray(toDate(occurred_at)) AS days
    FROM events_raw
    WHERE occurred_at >= toDateTime({first:Date}, 'UTC') AND occurred_at < toDateTime({last:Date} + 8, 'UTC') AND NOT is_bot
    GROUP BY user_id
)
WHERE date BETWEEN {first:Date} AND {last:Date}
GROUP BY date
ORDER BY date
