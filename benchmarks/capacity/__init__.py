"""Capacity on paper: what was measured here, multiplied; every assumption beside it, with its reason."""
