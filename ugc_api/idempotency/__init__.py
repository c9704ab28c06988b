"""The first answer again: a request that is sent twice under one Idempotency-Key is worked on once.

It is a comfort on top of event ids, which protect without it: whenever the answers cannot be kept or read,
requests are served as if they had no key, and the log and a metric say so.
"""
