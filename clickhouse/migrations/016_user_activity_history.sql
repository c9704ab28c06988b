-- The activity that events_raw holds from before user_activity was there.
-- Undo: nothing to undo; twice is harmless, as a bit is set or not.
INSERT INTO user_activity (day, is_bot, user_id, quarter_hours)
SELECT
    toDate(occurred_at) AS day,
    is_bot,
    user_id,
    groupBitOr(bitShiftLeft(toUInt128(1), intDiv(toUnixTimestamp64Milli(occurred_at), 900000) % 96)) AS quarter_hours
FROM events_raw
GROUP BY
    day,
    is_bot,
    user_id
