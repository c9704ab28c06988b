-- Tell the spans of the users of another table again, from every row that events_raw has of them.
--
-- asks:  `ugc rollup rebuild`, after it forgot their spans: what came of any day meanwhile went with them
-- cost:  events_raw whole, two columns and those users
-- param of: Identifier  a table with user_id and is_bot
INSERT INTO user_spans (user_id, is_bot, first_at, last_at)
SELECT user_id, is_bot, min(occurred_at) AS first_at, max(occurred_at) AS last_at
FROM events_raw
WHERE (user_id, is_bot) IN (SELECT user_id, is_bot FROM {of:Identifier})
GROUP BY user_id, is_bot
