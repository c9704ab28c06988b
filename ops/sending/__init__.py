"""`ugc send`: events to a collector, and its verdicts."""
