-- Put spans in that were made beside; those of nobody, which begin in 1970, are not.
--
-- asks:  `ugc rollup rebuild`
-- cost:  the other table, a row a user
-- param of: Identifier  a table of the columns of user_spans
INSERT INTO user_spans (user_id, is_bot, first_at, last_at)
SELECT user_id, is_bot, first_at, last_at
FROM {of:Identifier}
WHERE first_at > toDateTime64(0, 3, 'UTC')
