-- Tell the spans of the users of another table again, from every row that events_raw has of them.
--
-- asks:  `ugc rollup rebuild`, after it narrowed their spans: what came of any day meanwhile was narrowed too
-- cost:  events_raw whole, three columns
-- param of: String  a table with its database, joined by user_id and is_bot, whose `wide` is true
INSERT INTO user_spans (user_id, is_bot, first_at, last_at)
SELECT user_id, is_bot, min(occurred_at) AS first_at, max(occurred_at) AS last_at
FROM events_raw
WHERE joinGet({of:String}, 'wide', user_id, is_bot)
GROUP BY user_id, is_bot
