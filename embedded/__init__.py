"""The same stack on one machine without Docker: a real broker, a real warehouse engine, a supervisor."""
