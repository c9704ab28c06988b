"""The engines that are held against each other, each behind the one Protocol of `engine.py`."""
