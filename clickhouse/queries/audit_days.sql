-- Which days does events_raw hold whole, of those in which it or an aggregate holds anything?
--
-- asks:  `ugc audit`, before it looks at each; `ugc rollup rebuild`
-- cost:  the time column of events_raw and of the aggregates, the days that are kept
-- param kept_days: UInt16  for how many days events_raw keeps a row
SELECT day
FROM
(
    SELECT toDate(occurred_at) AS day
    FROM events_raw
    WHERE toDate(occurred_at) > toDate(now('UTC') - toIntervalDay({kept_days:UInt16}))
    GROUP BY day
    UNION DISTINCT
    SELECT toDate(bucket_at) AS day
    FROM events_by_quarter_hour
    WHERE toDate(bucket_at) > toDate(now('UTC') - toIntervalDay({kept_days:UInt16}))
    GROUP BY day
    UNION DISTINCT
    SELECT day
    FROM user_activity
    WHERE day > toDate(now('UTC') - toIntervalDay({kept_days:UInt16}))
    GROUP BY day
)
ORDER BY day
