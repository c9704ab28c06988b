-- How many different users came, per day?
--
-- asks:  GET /stats/dau, when its days are UTC days; analysts
-- cost:  the day partitions asked for of user_activity: 8 bytes a user and day
-- param first: Date  first day asked for, UTC
-- param last: Date  last day asked for, UTC, included
SELECT day AS date, uniqExact(user_hash) AS users
FROM user_activity
WHERE day BETWEEN {first:Date} AND {last:Date} AND NOT is_bot
GROUP BY date
ORDER BY date WITH FILL FROM {first:Date} TO {last:Date} + 1
