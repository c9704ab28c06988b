-- Who asks: the product's owner, of the aggregate. Reads one row a quarter hour and type.
SELECT event_type, countMerge(actions), sumMerge(points) / countMerge(actions)
FROM events_by_quarter_hour
GROUP BY event_type
