"""What the stats bench is made of: a month of generated events in the warehouse, and questions to it."""
