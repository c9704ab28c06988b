-- Who asks: the product's owner. Reads every row.
SELECT event_type, count(*), avg(value)
FROM events
GROUP BY event_type
