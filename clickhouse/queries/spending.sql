-- Who spends how much?
--
-- asks:  analysts
-- cost:  the days asked for of events_raw, at most 30; purchases alone, no properties
-- param first: Date  first day asked for
-- param last: Date  last day asked for, included
-- param tz: String = UTC  the zone whose days these are, such as UTC or Europe/Berlin
-- param limit: UInt32 = 100  so many users at most, those who spent most
SELECT
    user_id,
    count()           AS purchases,
    sum(value)        AS spent,
    max(occurred_at)  AS last_purchase_at
FROM events_raw
WHERE occurred_at >= toDateTime64({first:Date}, 3, {tz:String})
  AND occurred_at < toDateTime64({last:Date} + 1, 3, {tz:String})
  AND NOT is_bot
  AND event_type = 'purchase'
GROUP BY user_id
ORDER BY spent DESC, user_id
LIMIT {limit:UInt32}
