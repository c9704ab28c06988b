"""How the ETL knows that an event is new, with many ids stored: what the bench `ids` is made of."""
