"""What an operator types: the `ugc` command. A folder is a family; each command is the file of its own name.

`cli.py` is the table of contents. Families build on each other in one direction, which import-linter holds.
"""
