-- What does a materialized view select, and what are its columns called?
--
-- asks:  the ETL, to feed the view's target with rows that it lacks
-- cost:  the catalogue of tables
-- param view: String  the view's name
SELECT
    as_select,
    (
        SELECT groupArray(name)
        FROM (
            SELECT name
            FROM system.columns
            WHERE database = currentDatabase() AND table = {view:String}
            ORDER BY position
        )
    ) AS names
FROM system.tables
WHERE database = currentDatabase() AND name = {view:String}
