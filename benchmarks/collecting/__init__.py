"""The collector held against what it could cost at least: the same server with a bare Flask route on it."""
