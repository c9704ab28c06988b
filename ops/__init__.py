"""What an operator types: the `ugc` command, one module a command family."""
