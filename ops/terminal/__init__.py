"""How every command speaks, shows progress, stops, reads a day and writes a file."""
