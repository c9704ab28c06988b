"""What the results say, as a page, pictures and the README's table; nothing that is not in a result."""
