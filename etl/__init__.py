"""Move events from the log to the warehouse: read a range, store it, and only then say that it was read."""
