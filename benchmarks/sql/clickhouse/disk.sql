-- Who asks: the storage benches. Compressed columns, marks and index of the parts that count.
SELECT sum(bytes_on_disk)
FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'events'
