SELECT cohort, arrayJoin(days) - cohort AS after_days, count()
FROM
(
    SELECT groupUniqArray(toDate(occurred_at)) AS days, arrayMin(days) AS cohort
    FROM events_raw
    WHERE NOT is_bot
    GROUP BY user_id
)
WHERE cohort BETWEEN {first:Date} AND {last:Date}
GROUP BY cohort, after_days
ORDER BY cohort, after_days
