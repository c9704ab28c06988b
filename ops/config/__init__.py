"""What was set, and who may: `ugc settings` and `ugc keys`."""
