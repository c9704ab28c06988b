-- How long do people stay on a page?
-- Undo: DROP VIEW page_dwell.
CREATE VIEW IF NOT EXISTS page_dwell
(
    day          Date              COMMENT 'UTC day; the 30 that events_raw holds.',
    page         String            COMMENT 'properties.page of page_view events.',
    kind         String            COMMENT 'properties.kind: film, category, promo or recommendations; empty when not sent.',
    views        UInt64            COMMENT 'Number of page views; bots left out.',
    users        UInt64            COMMENT 'Different users; an estimate beyond 65,536.',
    dwell_s_mean Nullable(Float64) COMMENT 'Mean of properties.dwell_ms in seconds, of the views that tell it.',
    dwell_s_p50  Nullable(Float64) COMMENT 'Its median in seconds, estimated from a sample of 8,192.',
    dwell_s_p90  Nullable(Float64) COMMENT 'So many seconds or less for nine of ten, estimated likewise.'
)
AS
SELECT
    toDate(occurred_at)                                                       AS day,
    JSONExtractString(properties, 'page')                                     AS page,
    JSONExtractString(properties, 'kind')                                     AS kind,
    count()                                                                   AS views,
    uniq(user_id)                                                             AS users,
    avg(JSONExtract(properties, 'dwell_ms', 'Nullable(Float64)')) / 1000               AS dwell_s_mean,
    quantile(0.5)(JSONExtract(properties, 'dwell_ms', 'Nullable(Float64)')) / 1000     AS dwell_s_p50,
    quantile(0.9)(JSONExtract(properties, 'dwell_ms', 'Nullable(Float64)')) / 1000     AS dwell_s_p90
FROM events_raw
WHERE event_type = 'page_view' AND NOT is_bot
GROUP BY day, page, kind
COMMENT 'Dwell time by day and page; a day reads its own partition of events_raw.'
