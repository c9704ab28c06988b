"""How every process speaks to its operator: settings, logs, metrics, health, clock."""
