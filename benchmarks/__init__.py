"""Numbers anyone can reproduce: `make bench`."""
