"""Everything true about the warehouse: its schema, its questions, its roles, the one way to reach it."""
