-- Let the spans of the users of another table be what it says; of who has no event at all, it says 1970, and he goes.
--
-- asks:  `ugc rollup rebuild`
-- cost:  rewrites the parts of user_spans that have such a user; the other table is held in memory
--
-- A part is put in the place of the one before it: whoever reads sees the old span or the new one, never none.
-- param of: String  a table with its database, joined by user_id and is_bot: first_at, last_at, and `wide`, which is true
ALTER TABLE user_spans
    DELETE WHERE joinGet({of:String}, 'wide', user_id, is_bot)
             AND joinGet({of:String}, 'first_at', user_id, is_bot) = toDateTime64(0, 3, 'UTC'),
    UPDATE first_at = joinGet({of:String}, 'first_at', user_id, is_bot),
           last_at = joinGet({of:String}, 'last_at', user_id, is_bot)
     WHERE joinGet({of:String}, 'wide', user_id, is_bot)
