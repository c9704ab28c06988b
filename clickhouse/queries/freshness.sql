-- How fresh is what the warehouse knows?
--
-- asks:  the meta of every stats answer; `ugc doctor`
-- cost:  two columns of the quarter-hour aggregate, of events of the last two days; of all when there are none
-- param since: DateTime  look no further back than this bucket
SELECT
    (max((ingested_at_max, received_at_max)) AS newest).1  AS last_ingested_at,
    newest.2                                               AS last_received_at,
    count()                                                AS buckets
FROM events_by_quarter_hour
WHERE bucket_at >= {since:DateTime}
