-- Forget the spans of the users of another table.
--
-- asks:  `ugc rollup rebuild`, before it puts the right ones in
-- cost:  rewrites the parts of user_spans that have such a user
-- param of: Identifier  a table with user_id and is_bot
ALTER TABLE user_spans DELETE
WHERE (user_id, is_bot) IN (SELECT user_id, is_bot FROM {of:Identifier})
