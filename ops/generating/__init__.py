"""People who never were and what they did: events with the habits of real ones, out of a seed."""
