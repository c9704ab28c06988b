"""An ETL that dies, comes back and catches up under a load that does not wait."""
