"""Questions to the warehouse: `ugc query`, `ugc sql` and `ugc export`."""
