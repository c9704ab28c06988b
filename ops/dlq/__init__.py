"""`ugc dlq`: the dead letters, found, shown, sent again and settled."""
