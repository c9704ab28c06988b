-- Which events happened in this piece of a day, in columns of plain text?
--
-- asks:  `ugc export --format csv`, once a piece
-- cost:  all columns of one piece, read in the order they are stored in; the partitions of the day alone
-- param since:     DateTime64(3, 'UTC')  start of the day that is exported
-- param until:     DateTime64(3, 'UTC')  its end, excluded
-- param from_hour: DateTime('UTC')       hour of the first event of the piece
-- param from_id:   UInt128               id of the first event of the piece, as a number
-- param last_hour: DateTime('UTC')       hour of the last event of the piece
-- param last_id:   UInt128               id of the last event of the piece, as a number
SELECT
    toString(raw.event_id)                                       AS event_id,
    concat(replaceOne(toString(raw.occurred_at), ' ', 'T'), 'Z') AS occurred_at,
    raw.user_id                                                  AS user_id,
    raw.event_type                                               AS event_type,
    raw.properties                                               AS properties_json,
    raw.value                                                    AS value,
    raw.session_id                                               AS session_id,
    raw.skew_ms                                                  AS skew_ms,
    concat(replaceOne(toString(raw.received_at), ' ', 'T'), 'Z') AS received_at,
    concat(replaceOne(toString(raw.ingested_at), ' ', 'T'), 'Z') AS ingested_at,
    raw.ip                                                       AS ip,
    raw.user_agent_family                                        AS user_agent_family,
    raw.is_bot                                                   AS is_bot,
    arrayStringConcat(raw.bot_reasons, ' ')                      AS bot_reasons
FROM events_raw AS raw
WHERE raw.occurred_at >= {since:DateTime64(3, 'UTC')}
  AND raw.occurred_at < {until:DateTime64(3, 'UTC')}
  AND (
      toStartOfHour(raw.occurred_at) > {from_hour:DateTime('UTC')}
      OR (toStartOfHour(raw.occurred_at) = {from_hour:DateTime('UTC')} AND toUInt128(raw.event_id) >= {from_id:UInt128})
  )
  AND (
      toStartOfHour(raw.occurred_at) < {last_hour:DateTime('UTC')}
      OR (toStartOfHour(raw.occurred_at) = {last_hour:DateTime('UTC')} AND toUInt128(raw.event_id) <= {last_id:UInt128})
  )
ORDER BY toStartOfHour(raw.occurred_at), toUInt128(raw.event_id)
